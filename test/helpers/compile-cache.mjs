// Keeps the code without its types from run to run, for the processes of the tests alone: what they start is as a user
// starts it. Types are taken away by WebAssembly, and on the emulated cgroup v2 host V8 was seen to crash in code made at
// run time; there it finds every file in this cache.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('../../.cache/node', import.meta.url)));
