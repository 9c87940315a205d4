import type { PublishedPort } from '../../model/container.ts';
import { TsstackError } from '../../model/error.ts';
import { defineCommand, EXIT } from '../command.ts';
import { listContainers } from '../containers.ts';
import { countOption } from '../numbers.ts';
import { value } from '../options.ts';
import { portText } from '../views/ps.ts';

/** `tsstack port`. */
export const command = defineCommand({
  name: 'port',
  summary: 'Print the address on the host at which a port of a service is published',
  operands: 'SERVICE PRIVATE_PORT',
  options: {
    protocol: value('', 'PROTOCOL', 'tcp or udp, instead of tcp'),
    index: value('', 'N', 'Of this replica, instead of the first'),
  },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack port web 80', does: '0.0.0.0:8080' },
    { command: 'tsstack port --protocol udp --index 2 dns 53', does: 'another protocol, another replica' },
  ],
  run: async (context, { options, operands }) => {
    const [service, given, ...more] = operands;
    if (service === undefined || given === undefined || more.length > 0) {
      throw new TsstackError('usage', 'port needs a service and one of its ports', {
        hint: 'For example: tsstack port web 80',
      });
    }
    const wanted = wantedPort(given, options.protocol);
    const index = countOption('index', options.index, 1);
    const containers = await listContainers(context, [service]);
    const container = containers.find((each) => index === undefined || each.index === index);
    if (container === undefined) throw new TsstackError('not-found', `Service "${service}" has no replica ${index}`);
    const port = container.ports.find(
      ({ containerPort, protocol }) => containerPort === wanted.containerPort && protocol === wanted.protocol,
    );
    if (port === undefined) {
      const published = container.ports.map(portText).join(', ');
      throw new TsstackError('not-found', `${container.name} does not publish ${given}/${wanted.protocol}`, {
        hint: published === '' ? `Add it to services.${service}.ports` : `It publishes ${published}`,
      });
    }
    if (context.format === 'json') context.out.write(`${JSON.stringify(port, undefined, 2)}\n`);
    else context.out.write(`${hostAddress(port)}\n`);
    return EXIT.done;
  },
});

function wantedPort(given: string, protocol = 'tcp'): Pick<PublishedPort, 'containerPort' | 'protocol'> {
  if (protocol !== 'tcp' && protocol !== 'udp') {
    throw new TsstackError('usage', `Option --protocol needs tcp or udp, got "${protocol}"`);
  }
  const containerPort = Number(given);
  if (/^[0-9]+$/.test(given) && containerPort >= 1 && containerPort <= 65_535) return { containerPort, protocol };
  throw new TsstackError('usage', `"${given}" is no port`, { hint: 'Ports are 1 to 65535: tsstack port web 80' });
}

/** `0.0.0.0:8080`, `[::1]:8080`. */
function hostAddress({ hostIp = '0.0.0.0', hostPort }: PublishedPort): string {
  return `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:${hostPort}`;
}
