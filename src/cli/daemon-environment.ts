/** What the programs that a daemon runs go by, what it goes by itself, and how it reaches registries. */
const NAMES =
  /^(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TZ|TMPDIR|XDG_\w+|TSSTACK_\w+|DOCKER_CONFIG|(https?|all|no)_proxy|SSL_CERT_(FILE|DIR)|NODE_EXTRA_CA_CERTS)$/i;

/**
 * The part of a client's environment that a daemon is started with. It outlives the client and serves others: secrets that
 * were in the client's are not to be read in /proc/PID/environ of processes that go on, nor passed to what they run.
 */
export function daemonEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => NAMES.test(name)));
}
