// The `sandtable` command line: reads flags, calls one command, turns its outcome into an exit code.
// 0 pass or done · 1 fail · 2 bad usage or input · 3 inconclusive or no data · 4 internal error · 130 interrupted.

import { Command, CommanderError, Option } from 'commander';
import { FactValues } from '../scenarios/facts.ts';
import { SandtableError } from '../src/errors.ts';
import { loadScenario, parseFacts, parseInteger } from './input.ts';
import { addProvisionedCommands } from './provisionedCommands.ts';
import { listScenarios } from './scenarios.ts';
import { validateFile } from './validate.ts';

const SEED_MAX = 2 ** 32 - 1;
const WORKERS_MAX = 64;
const REPLICATIONS_MAX = 1000;
const SPEED_MAX = 10_000;
/** Of a calibration's round: one for each connection, and no more than a minute's work. */
const CALIBRATION_REQUESTS_MIN = 8;
const CALIBRATION_REQUESTS_MAX = 20_000;

const collect = (value: string, before: string[] = []) => [...before, value];
const integer = (flag: string, min: number, max: number) => (text: string) =>
  parseInteger(flag, text, min, max);

const program = new Command('sandtable')
  .description(
    'Rehearses a rollout to 10,000 companies: the real provisioning code, in virtual time or over real HTTP, ' +
      'against fake clouds, to a report with a verdict.',
  )
  .version('0.1.0')
  .exitOverride()
  .showSuggestionAfterError(true)
  .addHelpText(
    'after',
    '\nExit codes: 0 pass or done, 1 fail, 2 bad usage or input, 3 inconclusive or no data, 4 internal error, 130 interrupted.',
  );

// The commands are loaded on use: what one of them draws with or serves by costs the others a second.

/** Flags that every command with a scenario takes. */
function scenarioCommand(name: string, description: string): Command {
  return program
    .command(name)
    .description(description)
    .option('--set <path=value>', 'change a value of the scenario; may be given again', collect)
    .option(
      '--seed <integer>',
      "seed of every draw (default: the scenario's)",
      integer('--seed', 0, SEED_MAX),
    );
}

/** For what draws from the facts itself; a pilot meets those of its fakes. */
function factFlag(command: Command): Command {
  return command.option('--fact <id=value>', 'replace a fact of the catalogue; may be given again', collect);
}

function reportFolderFlag(command: Command): Command {
  return command.option(
    '--report-dir <folder>',
    'where the report goes (default: results/<scenario> in the project)',
  );
}

function reportFlags(command: Command): Command {
  return reportFolderFlag(command).option('--json', 'print report.json instead of the table');
}

function calibrationFlag(command: Command): Command {
  return command.option(
    '--calibration <file>',
    "what a request costs a gateway's processor (default: scenarios/calibration.json)",
  );
}

/** For what simulates a scenario. */
function studyCommand(name: string, description: string): Command {
  return calibrationFlag(reportFlags(factFlag(scenarioCommand(name, description))))
    .argument('<scenario>', 'a name from `sandtable scenarios`, or a file')
    .option(
      '--replications <integer>',
      'independent replications, exactly (default: in rounds until the verdict is clear)',
      integer('--replications', 1, REPLICATIONS_MAX),
    )
    .option(
      '--workers <integer>',
      'worker threads; never changes a result (default: one a core)',
      integer('--workers', 1, WORKERS_MAX),
    );
}

studyCommand(
  'run',
  'simulate a scenario in virtual time; writes report.json, report.html, report.md and junit.xml',
)
  .option('--entering', 'run every event as entering: slower, for checking that no result depends on it')
  .option('--strict', "exit with the verdict's code instead of 0")
  .action(async (name, flags) => {
    const scenario = loadScenario(name, flags.set);
    const facts = parseFacts(flags.fact ?? []);
    const { run } = await import('./run.ts');
    process.exitCode = await run(scenario, askedFor(name, flags), { ...flags, facts });
  });

studyCommand(
  'gate',
  "simulate as `run` does, print the summary of a CI job, and exit with the verdict's code",
)
  .option('--junit <file>', 'write junit.xml there too')
  .action(async (name, flags) => {
    const scenario = loadScenario(name, flags.set);
    const facts = parseFacts(flags.fact ?? []);
    const { gate } = await import('./gate.ts');
    const asked = { ...askedFor(name, flags), verb: 'gate' } as const;
    process.exitCode = await gate(scenario, asked, { ...flags, facts });
  });

reportFlags(
  factFlag(
    scenarioCommand(
      'load',
      "a scenario's traffic over HTTP: real gateways and k6 on this machine (emulated)",
    ),
  ),
)
  .argument('<scenario>', 'a name from `sandtable scenarios`, or a file')
  .option('--strict', "exit with the verdict's code instead of 0")
  .action(async (name, flags) => {
    const scenario = loadScenario(name, flags.set);
    const facts = parseFacts(flags.fact ?? []);
    const { load } = await import('./load.ts');
    process.exitCode = await load(scenario, askedFor(name, flags), { ...flags, facts });
  });

reportFlags(
  scenarioCommand(
    'pilot',
    'provision over HTTP in real time, load what was provisioned with k6, hold it against the simulator, and sign off',
  ),
)
  .argument('[scenario]', 'a name from `sandtable scenarios`, or a file', 'pilot-100')
  .option(
    '--fakes <url>',
    'address of running `sandtable fakes`, which decide facts, quotas and faults; run again to resume (default: its own)',
  )
  .option(
    '--speed <integer>',
    'provision so many times faster than real, with its own fakes',
    integer('--speed', 1, SPEED_MAX),
  )
  .option(
    '--stores <url>',
    'keep journal and registry in the MongoDB at mongodb://127.0.0.1:PORT/NAME (default: a file beside the report)',
  )
  .option('--fresh', 'forget the journal of an earlier pilot instead of resuming it')
  .addOption(
    new Option(
      '--after-pause <decision>',
      'what becomes of a rollout that a gate between waves has paused',
    ).choices(['resume', 'roll-back'] as const),
  )
  .action(async (name, { afterPause, ...flags }) => {
    const scenario = loadScenario(name, flags.set);
    if (afterPause !== undefined && flags.fakes === undefined)
      throw new SandtableError(
        'INPUT',
        '--after-pause goes with --fakes: without it a pilot begins anew, and nothing is paused',
      );
    if (flags.fakes !== undefined && flags.speed !== undefined)
      throw new SandtableError(
        'INPUT',
        "--speed goes with the pilot's own fakes; those of --fakes have theirs",
      );
    const { pilot } = await import('./pilot.ts');
    process.exitCode = await pilot(scenario, askedFor(name, flags), {
      ...flags,
      ...(afterPause && { afterPause: afterPause === 'resume' ? 'resume' : 'rollBack' }),
    });
  });

reportFolderFlag(
  calibrationFlag(
    factFlag(
      scenarioCommand(
        'crosscheck',
        'the same rollout, or the same traffic with k6, in virtual time and over HTTP: do both give the same figures?',
      ),
    ),
  ),
)
  .argument('<scenario>', 'a name from `sandtable scenarios`, or a file')
  .action(async (name, flags) => {
    const scenario = loadScenario(name, flags.set);
    const facts = parseFacts(flags.fact ?? []);
    const { crosscheck } = await import('./crosscheck.ts');
    const asked = { ...askedFor(name, flags), verb: 'crosscheck' } as const;
    process.exitCode = await crosscheck(scenario, asked, { ...flags, facts });
  });

program
  .command('calibrate')
  .description("measure what a request costs a gateway's processor on this machine (emulated)")
  .option('--out <file>', 'where the calibration goes (default: results/calibration.json in the project)')
  .addOption(
    new Option('--requests <integer>', 'requests of one kind in one round, for a quick look')
      .argParser(integer('--requests', CALIBRATION_REQUESTS_MIN, CALIBRATION_REQUESTS_MAX))
      .hideHelp(),
  )
  .action(async flags => {
    const { calibrate } = await import('./calibrate.ts');
    process.exitCode = await calibrate(flags);
  });

addProvisionedCommands((name, description) => reportFolderFlag(scenarioCommand(name, description)));

factFlag(scenarioCommand('fakes', 'serve the fake clouds on 127.0.0.1 for any client, one port a vendor'))
  .argument('[scenario]', 'whose quotas, facts and faults they have', 'pilot-100')
  .option('--port <integer>', 'main port; 0 for any that is free', integer('--port', 0, 65_535), 8700)
  .option(
    '--speed <integer>',
    'time runs so many times faster than real',
    integer('--speed', 1, SPEED_MAX),
    1,
  )
  .option('--print-env', 'print `export NAME=value` lines for a shell')
  .action(async (name, flags) => {
    const loaded = loadScenario(name, flags.set);
    const scenario = { ...loaded, run: { ...loaded.run, seed: flags.seed ?? loaded.run.seed } };
    const facts = new FactValues('mid', { ...scenario.facts, ...parseFacts(flags.fact ?? []) });
    const out = (line: string) => console.log(line);
    const { serveFakes } = await import('./fakes.ts');
    await serveFakes({ ...flags, scenario, facts, out, stopped: interrupted() });
  });

program
  .command('validate')
  .description('check a scenario document')
  .argument('<file>')
  .action((file: string) => console.log(validateFile(file)));

program
  .command('scenarios')
  .description('list the scenarios that there are')
  .action(() => console.log(listScenarios()));

/** Flags that change a result. */
type AskedFlags = {
  readonly set?: readonly string[];
  readonly fact?: readonly string[];
  readonly seed?: number;
  readonly calibration?: string;
};

/** The scenario and the flags that change a result, as they were typed. */
function askedFor(scenario: string, { set = [], fact = [], seed, calibration }: AskedFlags) {
  const flags = [
    ...set.map(text => `--set ${text}`),
    ...fact.map(text => `--fact ${text}`),
    ...(calibration === undefined ? [] : [`--calibration ${calibration}`]),
    ...(seed === undefined ? [] : [`--seed ${seed}`]),
  ];
  return { scenario, flags };
}

function interrupted(): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve());
  });
}

// Whoever reads our output may stop early (`| head`); anything else that nobody caught is ours.
process.stdout.on('error', error => {
  if ((error as NodeJS.ErrnoException).code !== 'EPIPE') fail(error);
});
process.on('uncaughtException', fail);
// The `sandtable` command is gone: nobody is left to stop us.
process.on('disconnect', () => process.kill(process.pid, 'SIGTERM'));
process.channel?.unref();

function fail(error: unknown): never {
  console.error(error);
  process.exit(4);
}

/** Errors that the user can mend; any other is ours. */
const USER_CODES = new Set(['INPUT', 'JOURNAL', 'FAKES', 'PORT_IN_USE']);

try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) {
    // Help and version are no errors; commander has printed the rest.
    process.exitCode = error.exitCode === 0 ? 0 : 2;
  } else if (error instanceof SandtableError) {
    console.error(`sandtable: ${error.message}`);
    process.exitCode = error.code === 'INTERRUPTED' ? 130 : USER_CODES.has(error.code) ? 2 : 4;
  } else if (error instanceof Error && error.name === 'ReportNotWritten') {
    console.error(`sandtable: ${error.message}`);
    process.exitCode = 2;
  } else {
    console.error(error);
    process.exitCode = 4;
  }
}
