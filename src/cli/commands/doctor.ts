import { alignColumns } from '../../lib/table.ts';
import { type Context, defineCommand, EXIT } from '../command.ts';
import type { DoctorCheck } from '../doctor/check.ts';
import { flag } from '../options.ts';
import type { Style } from '../style.ts';

/** `tsstack doctor`. */
export const command = defineCommand({
  name: 'doctor',
  summary: 'Check what this machine has and lacks, with the command that mends it',
  operands: '',
  options: { residue: flag('', 'List everything of ours that is on the machine; exit 1 if there is any') },
  formats: ['table', 'json'],
  examples: [
    { command: 'tsstack doctor', does: 'kernel, cgroups, tools; exit 1 if something is missing' },
    { command: 'tsstack doctor --residue', does: 'after down: prove that nothing is left' },
  ],
  run: async (context, { options }) => (options.residue ? showResidue(context) : showChecks(context)),
});

async function showResidue({ out, format, paths }: Context): Promise<number> {
  const { findResidue } = await import('../residue.ts');
  const residue = findResidue(paths);
  if (format === 'json') out.write(`${JSON.stringify({ residue }, undefined, 2)}\n`);
  else if (residue.length === 0) out.write('zero residue\n');
  else {
    const lines = alignColumns(
      residue.map(({ kind, what }) => [kind, what]),
      2,
    );
    out.write(`${lines.join('\n')}\n`);
  }
  return residue.length === 0 ? EXIT.done : EXIT.failed;
}

async function showChecks(context: Context): Promise<number> {
  const { checkMachine } = await import('../doctor/checks.ts');
  const report: { readonly checks: readonly DoctorCheck[] } = { checks: checkMachine(context) };
  const { out, format } = context;
  if (format === 'json') out.write(`${JSON.stringify(report, undefined, 2)}\n`);
  else out.write(renderChecks(report.checks, out.style));
  return report.checks.some(({ status }) => status === 'missing') ? EXIT.failed : EXIT.done;
}

function renderChecks(checks: readonly DoctorCheck[], style: Style): string {
  const symbols = { ok: style('green', '✔'), warning: style('yellow', '!'), missing: style('red', '✖') };
  const lines = alignColumns(
    checks.map(({ name, found }) => [name, found]),
    2,
  );
  const shown = checks.map(({ status, fix }, at) => {
    const mend = fix === undefined ? '' : `\n    ${style('cyan', 'mend:')} ${fix}`;
    return `${symbols[status]} ${lines[at]}${mend}`;
  });
  const missing = checks.filter(({ status }) => status === 'missing').length;
  return `${shown.join('\n')}\n\n${missing === 0 ? 'This machine can run tsstack.' : `${missing} missing.`}\n`;
}
