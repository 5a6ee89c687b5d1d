// Set-up before `npm start`, `npm test` and `npm run bench`: installs what package-lock.json names, unless it is there.
// Plain JavaScript without packages, for any Node from 20 on; silent when there is nothing to do.

import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_MAJOR = 26;
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const installed = join(root, 'node_modules', '.package-lock.json');

const reason = reasonToInstall();
if (reason !== undefined) {
  console.error(`sandtable: installing packages and Node ${NODE_MAJOR} with \`npm ci\`, since ${reason}`);
  install();
}
// npm links the platform's own Node here; where there is no package of it, this Node must do.
if (
  !existsSync(join(root, 'node_modules', '.bin', 'node')) &&
  Number.parseInt(process.versions.node, 10) < NODE_MAJOR
)
  fail(
    `no package has Node ${NODE_MAJOR} for ${process.platform}-${process.arch}: install it, this is ${process.version}`,
  );

/** Why the packages are not those of package-lock.json, or undefined. npm writes its own list last of all. */
function reasonToInstall() {
  if (!existsSync(installed)) return 'node_modules is missing or unfinished';
  const wanted = packagesOf(join(root, 'package-lock.json'));
  const found = packagesOf(installed);
  for (const [name, { version, integrity, optional }] of Object.entries(wanted)) {
    // The lock's own root; and what other platforms need.
    if (name === '' || (optional && found[name] === undefined)) continue;
    if (found[name]?.version !== version || found[name]?.integrity !== integrity)
      return `${name} is not what package-lock.json names`;
  }
  return undefined;
}

function packagesOf(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages ?? {};
  } catch (error) {
    if (file === installed) return {};
    return fail(`${file} cannot be read: ${error.message}`);
  }
}

/** Under the Node that runs npm, never the one in node_modules: that one is about to be deleted. */
function install() {
  const { npm_execpath: npm = '', npm_node_execpath: node = process.execPath } = process.env;
  const args = ['ci', '--include=dev', '--include=optional'];
  const options = { cwd: root, stdio: ['ignore', 2, 2] };
  const { status, error } = /npm-cli\.c?js$/.test(npm)
    ? spawnSync(node, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' });
  if (error !== undefined) fail(`npm cannot be started: ${error.message}`);
  if (status !== 0) fail('`npm ci` failed; its message stands above');
}

function fail(message) {
  console.error(`sandtable: ${message}`);
  process.exit(2);
}
