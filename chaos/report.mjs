const examplesMax = 5;

/** The figures of a run as a table. */
export function printFigures(figures) {
  const rows = Object.entries(figures).map(([name, value]) => [name, String(value)]);
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log(rows.map(([name, value]) => `${name.padEnd(width)}  ${value}`).join('\n'));
}

/** What went wrong, with the first examples of each. */
export function printFailures(failures) {
  for (const [kind, examples] of Object.entries(failures)) {
    console.log(`\nFAILED: ${kind} (${examples.length})`);
    for (const example of examples.slice(0, examplesMax)) console.log(`  ${example}`);
  }
}
