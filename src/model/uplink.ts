/** What carries packets between an ordinary user's network and the machine's. */
export type UplinkTool = 'pasta' | 'slirp4netns';

/**
 * The one that is taken on this machine. pasta shows the machine's own addresses, so it needs one with a way out; undefined:
 * there is none that could be taken. `routes`: text of /proc/net/route.
 */
export function chooseUplink(has: (tool: UplinkTool) => boolean, routes: string): UplinkTool | undefined {
  if (has('pasta') && hasDefaultRoute(routes)) return 'pasta';
  return has('slirp4netns') ? 'slirp4netns' : undefined;
}

/** Destination 0, in the second column: proc_net(5). */
function hasDefaultRoute(routes: string): boolean {
  return routes
    .split('\n')
    .slice(1)
    .some((line) => /^\S+\s+00000000\s/.test(line));
}
