import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Endpoint } from '../../src/model/container.ts';
import { hostsFile, peerLines, resolvConf } from '../../src/network/names.ts';
import { hostsOf } from '../../src/network/network-owner.ts';
import { Database } from '../../src/store/database.ts';
import { type ContainerRecord, Records } from '../../src/store/records.ts';
import { containerOf, endpointOf, keyOf, networkOf } from './fixtures.ts';

const front = networkOf('front', '10.71.1.0/24');
const back = networkOf('back', '10.71.2.0/24');
const web = endpointOf(keyOf('web'), front, '10.71.1.2/24', { names: ['web', 'demo-web-1'] });
const api = endpointOf(keyOf('api'), front, '10.71.1.3/24', { names: ['api', 'alias'] });
const apiBack = endpointOf(keyOf('api'), back, '10.71.2.3/24', { names: ['api'] });
const db = endpointOf(keyOf('db'), back, '10.71.2.2/24', { names: ['db'] });

const NOBODY = peerLines(new Set(), []);

function ownLines(text: string): readonly string[] {
  return text.split('\n').filter((line) => line !== '' && !/localhost|ip6-/.test(line));
}

describe('hostsFile()', () => {
  test('names its own container, extra hosts, and peers on networks that it shares, by their address there', () => {
    const spec = containerOf({ domainname: 'example', extraHosts: [{ host: 'far', address: '192.0.2.7' }] });
    const text = hostsFile(
      spec,
      [web],
      peerLines(new Set([web.networkName]), [{ endpoints: [apiBack, api] }, { endpoints: [db, web] }]),
    );
    assert.match(text, /^127\.0\.0\.1\tlocalhost\n/);
    assert.deepEqual(ownLines(text), [
      '10.71.1.2\tweb.example web',
      '192.0.2.7\tfar',
      '10.71.1.2\tweb demo-web-1',
      '10.71.1.3\tapi alias',
    ]);
  });

  test('host-gateway is the gateway of the default route, 127.0.0.1 on the host’s own network', () => {
    const extraHosts = [{ host: 'host', address: 'host-gateway' }];
    assert.ok(hostsFile(containerOf({ extraHosts }), [web], NOBODY).includes('10.71.1.1\thost\n'));
    const onHost = containerOf({ extraHosts, networkMode: { type: 'host' } });
    assert.ok(hostsFile(onHost, [], NOBODY).includes('127.0.0.1\thost\n'));
  });

  test('says what was said before by nobody again, and keeps every other line of the peers', () => {
    const peers = peerLines(new Set([web.networkName]), [
      { endpoints: [web] },
      { endpoints: [api] },
      { endpoints: [db] },
    ]);
    const extraHosts = [{ host: 'api alias', address: '10.71.1.3' }];
    assert.deepEqual(ownLines(hostsFile(containerOf({ extraHosts }), [web], peers)), [
      '10.71.1.2\tweb',
      '10.71.1.3\tapi alias',
      '10.71.1.2\tweb demo-web-1',
    ]);
  });

  test('of hostsOf() names who is recorded when it is asked, on networks that it shares, and no one who is but to come', () => {
    const records = new Records(Database.open(':memory:').database);
    const spec = containerOf({ networkMode: { type: 'networks' } });
    const names = () => ownLines(hostsOf({ records }, spec, [web])).slice(2);
    const put = (service: string, endpoint: Endpoint, more: Partial<ContainerRecord> = {}) =>
      records.containers.put({ key: keyOf(service), spec, endpoints: [endpoint], ...more } as ContainerRecord);
    put('db', db);
    assert.deepEqual(names(), []);
    put('api', api);
    put('new', { ...api, names: ['new'] }, { role: 'next' as never });
    assert.deepEqual(names(), ['10.71.1.3\tapi alias']);
    records.containers.delete('demo.api.1');
    assert.deepEqual(names(), []);
  });

  test('a container without networks resolves its own name', () => {
    assert.deepEqual(ownLines(hostsFile(containerOf(), [], peerLines(new Set(), [{ endpoints: [db] }]))), [
      '127.0.1.1\tweb',
    ]);
  });
});

describe('resolvConf()', () => {
  const host = 'nameserver 127.0.0.53\nnameserver 192.0.2.53\nsearch example lan # old\noptions edns0 trust-ad\n';

  test('is the host’s without its loopback servers', () => {
    assert.equal(
      resolvConf(containerOf(), host),
      'nameserver 192.0.2.53\nsearch example lan\noptions edns0 trust-ad\n',
    );
  });

  test('keeps loopback servers on the host’s own network', () => {
    assert.match(resolvConf(containerOf({ networkMode: { type: 'host' } }), host), /^nameserver 127\.0\.0\.53\n/);
  });

  test('takes each of dns, dns_search and dns_opt from the file instead', () => {
    const spec = containerOf({ dns: ['192.0.2.1', '127.0.0.1'], dnsSearch: ['.'], dnsOptions: ['ndots:2'] });
    assert.equal(resolvConf(spec, host), 'nameserver 192.0.2.1\nnameserver 127.0.0.1\noptions ndots:2\n');
  });

  test('names no server that nobody chose', () => {
    assert.equal(resolvConf(containerOf(), 'nameserver ::1\n'), '');
  });
});
