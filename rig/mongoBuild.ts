// `npm run mongo`: has the MongoDB wire ready, so that no test waits for its build.

import { resolveMongo } from './mongoBinary.ts';

try {
  console.log(await resolveMongo({ log: line => console.error(line.message) }));
} catch (error) {
  console.error(`sandtable: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 2;
}
