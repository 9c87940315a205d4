import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { copyEtc, fingerprint, listEtc } from '../../src/image/host-root/etc.ts';
import { withDirectory } from '../helpers/image-builder.ts';

function etc(directory: string, files: Record<string, number>): string {
  for (const [path, mode] of Object.entries(files)) {
    const full = `${directory}/${path}`;
    mkdirSync(full.slice(0, full.lastIndexOf('/')), { recursive: true });
    writeFileSync(full, `content of ${path}\n`);
    chmodSync(full, mode);
  }
  return directory;
}

function listed(directory: string): string[] {
  return listEtc(directory).map((entry) => entry.path);
}

test('listEtc() leaves out credentials by name, whatever their mode', () =>
  withDirectory((directory) => {
    etc(directory, {
      passwd: 0o644,
      shadow: 0o644,
      'gshadow-': 0o644,
      sudoers: 0o644,
      'ssh/ssh_host_ed25519_key.pub': 0o644,
      'ssh/ssh_config': 0o644,
      'ssl/private/server.pem': 0o644,
      'ssl/certs/ca.pem': 0o644,
      'machine-id': 0o444,
      'letsencrypt/live/x.pem': 0o644,
    });
    assert.deepEqual(listed(directory), ['passwd', 'ssh', 'ssh/ssh_config', 'ssl', 'ssl/certs', 'ssl/certs/ca.pem']);
  }));

test('listEtc() leaves out every file and directory that is closed to other users', () =>
  withDirectory((directory) => {
    etc(directory, { 'app/token': 0o640, 'app/conf': 0o644, 'closed/conf': 0o644 });
    chmodSync(`${directory}/closed`, 0o750);
    assert.deepEqual(listed(directory), ['app', 'app/conf']);
  }));

test('fingerprint() changes when a mode does, so that a file that becomes secret leaves the copy', () =>
  withDirectory((directory) => {
    etc(directory, { a: 0o644, b: 0o644 });
    const before = fingerprint(listEtc(directory), '');
    assert.equal(fingerprint(listEtc(directory), ''), before);
    chmodSync(`${directory}/b`, 0o664);
    assert.notEqual(fingerprint(listEtc(directory), ''), before);
  }));

test('copyEtc() keeps modes and links as they are and gives mount points for what the runtime binds', () =>
  withDirectory((directory) => {
    etc(`${directory}/from`, { 'app/conf': 0o755, hosts: 0o644, 'machine-id': 0o444 });
    symlinkSync('../run/mtab', `${directory}/from/mtab`);
    symlinkSync('/nowhere/else', `${directory}/from/app/link`);
    mkdirSync(`${directory}/to`);
    copyEtc(`${directory}/from`, listEtc(`${directory}/from`), `${directory}/to`);
    assert.deepEqual(readdirSync(`${directory}/to`).sort(), [
      'app',
      'hostname',
      'hosts',
      'machine-id',
      'mtab',
      'resolv.conf',
    ]);
    assert.equal(readFileSync(`${directory}/to/hosts`, 'utf8'), '');
    assert.equal(readFileSync(`${directory}/to/machine-id`, 'utf8'), '');
    assert.equal(statSync(`${directory}/to/app/conf`).mode & 0o7777, 0o755);
    assert.deepEqual(readdirSync(`${directory}/to/app`).sort(), ['conf', 'link']);
  }));
