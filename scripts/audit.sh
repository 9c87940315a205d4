#!/bin/bash
# Asks the registry for known vulnerabilities of what is shipped (`npm audit`, without what is for development only).
# Fails when there are any. Where the registry cannot be asked, or has no such list, that is said, and is neither passed nor
# failed; what the lock file tells by itself is a unit test (test/setup/dependencies.test.ts).
# The last line is `# totals PASSED FAILED SKIPPED`, for scripts/test.sh.
set -uo pipefail
cd "$(dirname "$0")/.."

answer=$(timeout 60 npm audit --omit=dev --json --fetch-retries=0 2>/dev/null)
node -e '
  const text = require("node:fs").readFileSync(0, "utf8");
  let answer = {};
  try { answer = JSON.parse(text); } catch {}
  const found = Object.values(answer.vulnerabilities ?? {});
  if (answer.metadata === undefined) {
    const why = (answer.message ?? answer.error?.summary) || "no answer";
    console.log(`not asked: the registry gives no list of vulnerabilities: ${why}\n# totals 0 0 0`);
  } else if (found.length === 0) {
    console.log("no known vulnerabilities\n# totals 1 0 0");
  } else {
    for (const { name, severity, range, via } of found) {
      console.log(`${name} ${range}: ${severity}: ${via.map((each) => each.url ?? each).join(", ")}`);
    }
    console.log("# totals 0 1 0");
    process.exitCode = 1;
  }
' <<< "$answer"
