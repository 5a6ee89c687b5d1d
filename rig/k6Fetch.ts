// `npm run k6`: has the load generator ready, so that no test waits for its build.

import { resolveK6 } from './k6Binary.ts';

try {
  console.log((await resolveK6({ log: line => console.error(line.message) })).path);
} catch (error) {
  console.error(`sandtable: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}
