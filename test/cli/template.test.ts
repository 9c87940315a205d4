import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { renderTemplate } from '../../src/cli/views/template.ts';

const ROWS = [
  { Name: 'demo-web-1', State: 'running', ExitCode: 0, Publishers: [{ port: 80 }] },
  { Name: 'demo-db-1', State: 'exited', ExitCode: 3, Publishers: [] },
];
const NAMES = ['Name', 'State', 'ExitCode', 'Publishers', 'RunningFor'];
const render = (template: string): string => renderTemplate(template, ROWS, NAMES);

describe('renderTemplate()', () => {
  it('prints a line for each row', () => {
    assert.equal(render('{{.Name}}: {{ .ExitCode }}'), 'demo-web-1: 0\ndemo-db-1: 3\n');
    assert.equal(render('{{- .Name -}}\\t{{.State}}'), 'demo-web-1\trunning\ndemo-db-1\texited\n');
    assert.equal(renderTemplate('{{.Name}}', [], NAMES), '');
  });

  it('aligns the columns of a table below a head', () => {
    assert.equal(
      render('table {{.Name}}\t{{.State}}\\t{{.ExitCode}}'),
      'NAME         STATE     EXIT CODE\ndemo-web-1   running   0\ndemo-db-1    exited    3\n',
    );
    assert.equal(renderTemplate('table {{.RunningFor}}', [], NAMES), 'CREATED\n');
  });

  it('knows json, upper, lower, title and truncate, before a field and behind it', () => {
    assert.equal(render('{{json .Publishers}}'), '[{"port":80}]\n[]\n');
    assert.equal(JSON.parse(render('{{json .}}').split('\n')[0] ?? '').State, 'running');
    assert.equal(render('{{upper .State}} {{.State | title}}'), 'RUNNING Running\nEXITED Exited\n');
    assert.equal(render('{{truncate .Name 4}}{{.Name | truncate 2 | upper}}'), 'demoDE\ndemoDE\n');
  });

  it('says what it cannot read, and what there is', () => {
    for (const template of [
      '{{.Secret}}',
      '{{range .}}',
      '{{if .Name}}',
      '{{.Name',
      '{{constructor .}}',
      '{{}}',
      '{{truncate .Name x}}',
    ]) {
      assert.throws(() => render(template), { code: 'usage', message: /^Cannot read the template: / }, template);
    }
    assert.throws(() => render('{{.Nam}}'), { hint: /\.Name, \.State.*json, upper, lower, title, truncate N/ });
  });
});
