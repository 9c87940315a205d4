import { defineCommand } from '../command.ts';
import { cutNetworks, healNetworks, type NetOptions, shapeNetworks, showNetworks } from '../net/verbs.ts';
import { flag, value } from '../options.ts';
import { runVerb, type Verbs } from '../verbs.ts';

const SHAPE = ['rate', 'delay', 'jitter', 'loss', 'reorder', 'duplicate', 'corrupt', 'limit'] as const;

const VERBS: Verbs<NetOptions> = {
  ls: { options: [], run: showNetworks },
  shape: { options: ['network', 'outbound', 'inbound', 'off', ...SHAPE], run: shapeNetworks },
  cut: { options: ['network'], run: cutNetworks },
  heal: { options: [], run: healNetworks },
};

const OPTIONS = {
  network: value('', 'NETWORK', 'shape, cut: only on this network of the stack'),
  outbound: flag('', 'shape: only what the container sends'),
  inbound: flag('', 'shape: only what the container gets'),
  off: flag('', 'shape: not at all, whatever the file says'),
  rate: value('', 'RATE', 'shape: bits in a second that pass at most, such as 10mbit'),
  delay: value('', 'TIME', 'shape: time that each packet is held, such as 80ms'),
  jitter: value('', 'TIME', 'shape: how much more or less than the delay'),
  loss: value('', 'PERCENT', 'shape: packets that are dropped, such as 1%'),
  reorder: value('', 'PERCENT', 'shape: packets that are not delayed'),
  duplicate: value('', 'PERCENT', 'shape: packets that arrive twice'),
  corrupt: value('', 'PERCENT', 'shape: packets that are damaged'),
  limit: value('', 'PACKETS', 'shape: packets that wait at most'),
};

/** `tsstack net`. */
export const command = defineCommand({
  name: 'net',
  summary: 'Try how services bear bad networks: shape them, cut them, heal them',
  operands: `[ls|shape|cut|heal] [SERVICE|CONTAINER…]`,
  options: OPTIONS,
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack net', does: 'how the networks of each container are now' },
    { command: 'tsstack net shape db --delay 80ms --loss 1%', does: 'each way: a round trip takes 160 ms longer' },
    { command: 'tsstack net shape web --rate 1mbit --outbound', does: 'what web sends, on all its networks' },
    { command: 'tsstack net cut web db', does: 'no packet passes between them' },
    { command: 'tsstack net cut db', does: 'no packet passes between db and anything' },
    { command: 'tsstack net heal', does: 'everything is again as the file says' },
  ],
  run: (context, { options, operands }) =>
    runVerb(context, VERBS, {
      name: 'net',
      known: Object.keys(OPTIONS),
      operands: operands.length === 0 ? ['ls'] : operands,
      options,
    }),
});
