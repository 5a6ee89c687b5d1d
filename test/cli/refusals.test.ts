// What cannot be used ends in exit code 2 and one clear message, before anything is written.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadScenario } from '../../cli/input.ts';
import { Cloud } from '../../fakes/cloud.ts';
import { cloudOptionsOf } from '../../fakes/fromScenario.ts';
import { type FakesServer, startFakes } from '../../fakes/server.ts';
import { FactValues } from '../../scenarios/facts.ts';
import { holderOf, openStores } from '../../src/runtime/stores.ts';
import { type Ended, newFolder, sandtable } from './command.ts';

const PILOT = fileURLToPath(new URL('../../scenarios/pilot-100.json', import.meta.url));
const NOBODY = 'http://127.0.0.1:1';
/** Two waves of a small rollout, a day apart. */
const SEVENTEEN = [
  'population.regions={"us-west1":7,"us-central1":5,"europe-west1":5}',
  'provisioning.waves.steps=[{"upTo":10,"dwell":"24h"},{"upTo":17,"dwell":"0s"}]',
].flatMap(set => ['--set', set]);

let fakes: FakesServer;

beforeAll(async () => {
  const cloud = new Cloud(cloudOptionsOf(loadScenario('pilot-100'), new FactValues('mid', {}), 1));
  fakes = await startFakes({ cloud, port: 0, vendorPorts: false, speed: 1 });
});

afterAll(() => fakes.close());

function expectRefusal({ code, stdout, stderr }: Ended, message: RegExp): void {
  expect(stderr).toMatch(message);
  expect(stderr).not.toMatch(/^ {4}at |Error:|node:internal/m);
  expect(stderr.trimEnd().split('\n').length).toBeLessThanOrEqual(3);
  expect(stdout).toBe('');
  expect(code).toBe(2);
}

describe.concurrent('sandtable refuses', () => {
  it.each<[string, string[], RegExp]>([
    ['an unknown scenario', ['run', 'pilot-10'], /no scenario "pilot-10".*pilot-100/],
    ['a file that is not there', ['run', './no-such.json'], /there is no file \.\/no-such\.json/],
    [
      'an unknown path, with the nearest one',
      ['run', 'today', '--set', 'provisioning.limits.cloudRunDeployPerMinute=5'],
      /nearest: provisioning\.limits\.cloudRunDeploysPerMinute/,
    ],
    ['a setting without a value', ['run', 'today', '--set', 'run.seed'], /--set run\.seed: it must be/],
    ['an unknown fact', ['run', 'today', '--fact', 'lat.kms.wrote=5'], /lat\.kms\.wrote.*lat\.kms\.write/],
    [
      'a fact that is no number',
      ['run', 'today', '--fact', 'lat.kms.write=soon'],
      /lat\.kms\.write is "soon"/,
    ],
    [
      'a wrong type',
      ['run', 'today', '--set', 'provisioning.concurrencyMax=many'],
      /provisioning\.concurrencyMax is "many"/,
    ],
    [
      'counts that do not add up',
      ['run', 'pilot-100', '--set', 'population.companies=101'],
      /population\..*10[01]/,
    ],
    ['a seed that is no integer', ['run', 'today', '--seed', 'x'], /--seed is "x"; it must be an integer/],
    ['no replications', ['run', 'today', '--replications', '0'], /--replications is "0"; .* 1 to/],
    ['half a worker', ['run', 'today', '--workers', '0.5'], /--workers is "0\.5"/],
    ['an unknown flag', ['run', 'today', '--replication', '3'], /unknown option '--replication'/],
    ['an unknown command', ['rum', 'today'], /unknown command 'rum'/],
    ['a scenario too many', ['run', 'today', 'pilot-100'], /too many arguments/],
    ['a run of nothing', ['run'], /missing required argument 'scenario'/],
    [
      'a speed of foreign fakes',
      ['pilot', '--fakes', NOBODY, '--speed', '2'],
      /--speed goes with the pilot's own fakes/,
    ],
    [
      'a load that one machine cannot bear',
      ['load', 'peak-hour'],
      /population\.agents is 20000000 .* one machine takes/,
    ],
    ['a load of nothing', ['load', 'today'], /today has no traffic/],
    [
      'a crosscheck of a rollout that would take hours',
      ['crosscheck', 'rollout-10000'],
      /the rollout of rollout-10000 takes at least 167 min .* 10 min at most: .* crosscheck crosscheck-rollout$/m,
    ],
    [
      'one that waits for a day between its waves',
      [
        'crosscheck',
        'rollout-waves',
        '--set',
        'population.companies=17',
        '--set',
        'population.advanced=2',
        ...SEVENTEEN,
      ],
      /the rollout of rollout-waves takes at least 1441 min/,
    ],
    ['a pilot without a rollout', ['pilot', 'crosscheck-light'], /a pilot needs "rollout"/],
    ['an address that is not this machine', ['pilot', '--fakes', 'http://192.0.2.1:8700'], /192\.0\.2\.1/],
    [
      'stores that are not on this machine, and tells no password',
      ['pilot', '--stores', 'mongodb://me:hunter2@127.0.0.1:27017,192.0.2.1/pilot'],
      /--stores takes the address of a MongoDB on this machine, such as (?!.*hunter2)/,
    ],
    ['stores that are no MongoDB', ['pilot', '--stores', './journal.sqlite'], /--stores takes the address/],
    ['an address where nobody listens', ['pilot', '--fakes', NOBODY], /no fakes answer at .*127\.0\.0\.1:1/],
    ['a port that cannot be', ['fakes', '--port', '65536'], /--port is "65536"/],
    ['a speed of nothing', ['fakes', '--speed', '0'], /--speed is "0"/],
  ])('%s', async (_what, args, message) => {
    const folder = newFolder();
    const takesFolder = ['run', 'pilot', 'load', 'crosscheck'].includes(args[0]);
    const where = takesFolder ? ['--report-dir', join(folder, 'report')] : [];
    expectRefusal(await sandtable(...args, ...where), message);
    expect(readdirSync(folder)).toEqual([]);
  });

  it.each([
    ['run', '--report-dir'],
    ['validate', ''],
  ])('a truncated file, to %s', async (command, flag) => {
    const folder = newFolder();
    const file = join(folder, 'half.json');
    writeFileSync(file, readFileSync(PILOT, 'utf8').slice(0, 700));
    const where = flag === '' ? [] : [flag, join(folder, 'report')];
    expectRefusal(await sandtable(command, file, ...where), /half\.json is not JSON: .*line \d+/);
    expect(readdirSync(folder)).toEqual(['half.json']);
  });

  it.each([
    ['run', ['today', '--replications', '1']],
    ['pilot', ['--fakes', 'FAKES']],
  ])('a report folder that cannot be, to %s', async (command, args) => {
    const file = join(newFolder(), 'file');
    writeFileSync(file, 'kept');
    const below = join(file, 'report');
    expectRefusal(
      await sandtable(
        command,
        ...args.map(arg => (arg === 'FAKES' ? fakes.url : arg)),
        '--report-dir',
        below,
      ),
      /cannot be written.*--report-dir/,
    );
    expect(readFileSync(file, 'utf8')).toBe('kept');
  });

  it('a port that another program listens on', async () => {
    const server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const ended = await sandtable('fakes', '--port', String(port));
    server.close();
    expectRefusal(ended, new RegExp(`port ${port} is in use`));
  });

  it('to forget a journal that another process works on', async () => {
    const folder = newFolder();
    const { journal, leases, close } = openStores(join(folder, 'journal.sqlite'));
    const opened = { company: -1, step: '', event: 'opened', atMs: 1 } as const;
    await journal.append([opened]);
    await leases.take('companies 0 to 9', holderOf(process.pid), 0, 30_000);
    const ended = await sandtable('pilot', '--fakes', fakes.url, '--report-dir', folder, '--fresh');
    expectRefusal(ended, /journal\.sqlite cannot be used: process \d+ works on it/);
    expect(await journal.read()).toEqual([opened]);
    close();
  });

  it('a journal that is none, and leaves it as it is', async () => {
    const folder = newFolder();
    const file = join(folder, 'journal.sqlite');
    writeFileSync(file, 'dear diary, '.repeat(500));
    const ended = await sandtable('pilot', '--fakes', fakes.url, '--report-dir', folder, '--fresh');
    expectRefusal(ended, /journal\.sqlite cannot be used/);
    expect(readFileSync(file, 'utf8')).toBe('dear diary, '.repeat(500));
  });
});

describe.concurrent('sandtable answers', () => {
  it.each([
    ['--help', ['--help'], /Usage: sandtable/],
    ['--version', ['--version'], /^\d+\.\d+\.\d+$/],
    ...['run', 'pilot', 'fakes', 'validate', 'scenarios'].map(
      command =>
        [`${command} --help`, [command, '--help'], new RegExp(`Usage: sandtable ${command}`)] as const,
    ),
    ['scenarios', ['scenarios'], /^scenario +companies.*\ntoday +17 /],
    ['validate', ['validate', PILOT], /^OK {2}pilot-100: 100 companies, 3 regions, 7 KPIs$/m],
  ] as const)('%s, with nothing on standard error', async (_what, args, pattern) => {
    const { code, stdout, stderr } = await sandtable(...args);
    expect(stderr).toBe('');
    expect(stdout.trim()).toMatch(pattern);
    expect(code).toBe(0);
  });
});
