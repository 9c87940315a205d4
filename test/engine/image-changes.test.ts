import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { changedConfig } from '../../src/engine/image-changes.ts';

describe('changedConfig()', () => {
  it('applies every instruction that docker import takes, variables from the environment before it', () => {
    const config = changedConfig({ Env: ['PATH=/bin'], Cmd: ['old'], Labels: { of: 'base' } }, [
      'ENV HOME=/srv PATH=$PATH:/srv/bin',
      'ENTRYPOINT ["run", "$HOME"]',
      'CMD serve $HOME',
      'WORKDIR $HOME/work',
      'USER app',
      'LABEL at="$PATH"',
      'EXPOSE 80 53/udp',
      'VOLUME $HOME/data',
      'STOPSIGNAL INT',
      'HEALTHCHECK --interval=5s CMD check',
      'ONBUILD RUN make',
    ]);
    assert.deepEqual(config, {
      Env: ['PATH=/bin:/srv/bin', 'HOME=/srv'],
      Entrypoint: ['run', '$HOME'],
      Cmd: ['/bin/sh', '-c', 'serve $HOME'],
      WorkingDir: '/srv/work',
      User: 'app',
      Labels: { of: 'base', at: '/bin:/srv/bin' },
      ExposedPorts: { '80/tcp': {}, '53/udp': {} },
      Volumes: { '/srv/data': {} },
      StopSignal: 'INT',
      Healthcheck: { Test: ['CMD-SHELL', 'check'], Interval: 5_000_000_000 },
      OnBuild: ['RUN make'],
    });
  });

  it('refuses what changes files, and says where a mistake is', () => {
    for (const change of ['RUN true', 'COPY a b', 'ADD a b', 'ARG x']) {
      assert.throws(() => changedConfig({}, [change]), { code: 'usage', message: /--change cannot be [A-Z]+/ }, change);
    }
    assert.throws(() => changedConfig({}, ['WORKDIR /srv', 'BANANA x']), { code: 'invalid-dockerfile' });
    assert.throws(() => changedConfig({}, ['FROM other']), { code: 'usage' });
  });
});
