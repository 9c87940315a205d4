import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { PatternMatcher, parseIgnoreFile } from '../../src/build/context/ignore.ts';
import { parseDockerfile } from '../../src/build/dockerfile/parse.ts';
import { automaticArguments, globalArguments } from '../../src/build/dockerfile/scope.ts';
import { compilePattern, replace, trimPrefix, trimSuffix } from '../../src/build/dockerfile/shell-pattern.ts';
import { planStages } from '../../src/build/dockerfile/stages.ts';
import { parseProcessStat } from '../../src/host/process.ts';
import { explainReport, reportStatus } from '../../src/lib/launch-report.ts';
import { indexFrom, parseEntries, parseStart } from '../../src/log/time-index.ts';
import { parseLinks, parseRoutes, parseRoutes6, parseTunnels } from '../../src/network/parse-ip.ts';
import { parseTables } from '../../src/network/parse-nft.ts';
import { parseListeners } from '../../src/network/parse-ss.ts';
import { parseQuery } from '../../src/serve/dns/query.ts';
import { empty, limitOf, ownRecord, respond } from '../../src/serve/dns/response.ts';
import { DotenvError, parseRawEnv } from '../../src/spec/dotenv.ts';
import { parseEnvironment } from '../../src/spec/one-off.ts';
import { damagedBytes, damagedJson, fuzz } from '../helpers/fuzz.ts';

const DOTENV = `# comment
export A=1
B="two \\n \${A:-x} $A" # rest
C='literal $A'
D: yaml
E
F="over
lines"
G=\${A:?must} \${B:+\${C}}
`;
const DOCKERFILE = `# syntax=docker/dockerfile:1
# escape=\\
ARG V=1
FROM --platform=$BUILDPLATFORM alpine:\${V} AS base
ARG X="a b"
ENV A=\${X:-y} B='c' C="\${A%b*}"
RUN --mount=type=cache,target=/x,sharing=locked --network=none apk add \\
    curl && echo "$A"
COPY --from=base --chown=1:2 ["a b", "c", "/d/"]
ADD --checksum=sha256:aa http://x/y /z
RUN <<EOF cat >x
text $A
EOF
HEALTHCHECK --interval=5s --retries=3 CMD ["x"]
ONBUILD RUN x
FROM base
CMD echo
`;
const IGNORE = '# no\n*/temp*\n!a/**/b\n[a-z]?x\n/\\*\n**/*.md\n';

test('environment files of any text', async () => {
  await fuzz(damagedBytes([DOTENV]), (text) => parseEnvironment(text.toString(), 'x.env', { HOME: '/h' }), {
    runs: 150,
  });
  await fuzz(damagedBytes([DOTENV]), (text) => parseRawEnv(text.toString(), new Map(), () => undefined), {
    refusals: [DotenvError],
  });
});

const PLATFORM = { os: 'linux', architecture: 'amd64' };

test('Dockerfiles of any text, read and cut into stages', () =>
  fuzz(
    damagedBytes([DOCKERFILE]),
    (text) => {
      const dockerfile = parseDockerfile(text.toString(), 'Dockerfile');
      const globals = globalArguments(dockerfile, new Map(), automaticArguments(PLATFORM, PLATFORM));
      planStages(dockerfile, { globals, contexts: new Set() });
    },
    { runs: 150 },
  ));

test('patterns of ignore files of any text, against any path', () =>
  fuzz(
    fc.tuple(damagedBytes([IGNORE]), damagedBytes(['a/b/temp.md', 'x'.repeat(200), 'a/'.repeat(80)])),
    ([text, path]) =>
      new PatternMatcher(parseIgnoreFile(text.toString(), '.dockerignore'), '.dockerignore').matches(path.toString()),
  ));

test('patterns of variables in Dockerfiles take time in proportion, whatever they are', () => {
  const pattern = fc.array(fc.constantFrom('*', '?', 'a', 'b', '\\'), { maxLength: 40 }).map((each) => each.join(''));
  const value = fc.array(fc.constantFrom('a', 'a', 'a', 'b'), { maxLength: 400 }).map((each) => each.join(''));
  return fuzz(
    fc.tuple(pattern, value),
    ([text, characters]) => {
      const tokens = compilePattern(text);
      trimPrefix(characters, tokens, true);
      trimSuffix(characters, tokens, true);
      replace(characters, tokens, { text: 'x', all: true });
    },
    { refusals: [Error] },
  );
});

/** A question for `www.example.com`, with an OPT record. */
const QUESTION = Buffer.from(
  '1a2b0120000100000000000103777777076578616d706c6503636f6d00000100010000291000000000000000',
  'hex',
);

test('DNS packets of any bytes: a question, an error, or silence; answers are no longer than was asked for', async () => {
  assert.equal(parseQuery(QUESTION).kind, 'query');
  const packets = fc.oneof(
    damagedBytes([QUESTION]),
    fc.uint8Array({ maxLength: 600 }).map((bytes) => Buffer.from(bytes)),
  );
  await fuzz(
    packets,
    (packet) => {
      const parsed = parseQuery(packet);
      if (parsed.kind !== 'query') return;
      const { query } = parsed;
      const limit = limitOf(query);
      const record = ownRecord({ type: 'A', ttl: 5, data: '10.0.0.1' });
      const answer = { rcode: 0, answers: Array(40).fill(record), additionals: [record], turn: 0 };
      assert.ok(respond(packet, query, answer, limit).length <= limit);
      assert.ok(empty(packet, query, { rcode: 3 }).length <= limit);
    },
    { runs: 300 },
  );
});

test('what nft, ip and ss print, of any shape', async () => {
  const nft = {
    nftables: [
      { metainfo: { version: '1' } },
      { set: { name: 'bridges', table: 'tsstack', elem: ['ts-a', { prefix: { addr: '10.0.0.0', len: 8 } }] } },
      { map: { name: 'ports4', elem: [[{ concat: ['tcp', 80] }, { concat: ['10.0.0.2', 80] }]] } },
      { rule: { family: 'inet', table: 'tsstack', chain: 'forward', expr: [] } },
    ],
  };
  const links = [
    { ifname: 'eth0', mtu: 1500, flags: ['UP'], master: 'br', addr_info: [{ local: '10.0.0.1', prefixlen: 8 }] },
    { dst: '10.0.0.0/8', dev: 'eth0', nexthops: [{ dev: 'x' }], mac: '00:00:00:00:00:00', ifname: 'v' },
  ];
  const json = damagedJson([nft, links]);
  for (const parse of [(value: unknown) => parseTables([value]), parseLinks, parseTunnels, parseRoutes]) {
    await fuzz(json, (text) => parse(text.length === 0 ? undefined : JSON.parse(text.toString())));
  }
  const ss =
    'tcp LISTEN 0 4096 127.0.0.1%lo:53 0.0.0.0:* users:(("dns\\"masq",pid=12,fd=5))\nudp UNCONN 0 0 [::]:5 *:*\n';
  await fuzz(damagedBytes([ss]), (text) => parseListeners(text.toString()));
  const zero = '0'.repeat(32);
  const routes6 = `${'2'.repeat(32)} 40 ${zero} 00 ${zero} 00000100 00000001 00000000 00000001 eth0\n`;
  await fuzz(damagedBytes([routes6]), (text) => parseRoutes6(text.toString()));
});

test('reports of launchers and lines of /proc of any bytes', async () => {
  const listing = '0 mount make it\n1 execve run it\n';
  await fuzz(damagedBytes([Buffer.from([1, 0, 0, 0, 2, 0, 0, 0]), 'sh: not found\n']), (report) => {
    explainReport(listing, report);
    reportStatus(listing, report);
  });
  await fuzz(damagedBytes(['12 (a) b) S 1 12 12 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 1 0 99 1 2\n']), (text) =>
    parseProcessStat(text.toString('latin1')),
  );
});

test('indexes of logs of any bytes', () =>
  fuzz(damagedBytes(['emptied 5\nstart 100\n0 1000\n50 2000\n99 30', '1 1\n'.repeat(50)]), (text) => {
    const index = text.toString('latin1');
    parseEntries(index);
    indexFrom(index, parseStart(index));
  }));
