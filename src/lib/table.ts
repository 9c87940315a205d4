/** Pads every cell but a row's last to its column's width; widths are in code points. */
export function alignColumns(rows: readonly (readonly string[])[], gap: number): string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [column, cell] of row.entries()) widths[column] = Math.max(widths[column] ?? 0, width(cell));
  }
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell) + gap),
      )
      .join('')
      .trimEnd(),
  );
}

/** A table with a head, as text that ends in a line break. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${alignColumns([head, ...rows], 3).join('\n')}\n`;
}

function width(cell: string): number {
  return [...cell].length;
}
