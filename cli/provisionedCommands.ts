// The command line of what works on an earlier pilot's companies: `company` and `watch`. main.ts adds them to its own.

import { Argument, type Command } from 'commander';
import { loadScenario } from './input.ts';

/** `scenarioCommand`: makes a command with a scenario and a report's folder. */
export function addProvisionedCommands(
  scenarioCommand: (name: string, description: string) => Command,
): void {
  const provisionedCommand = (name: string, description: string): Command =>
    scenarioCommand(name, description)
      .requiredOption('--fakes <url>', 'address of the running `sandtable fakes` that the pilot had')
      .option('--stores <url>', "the pilot's --stores, if it had one (default: the file beside its report)");

  provisionedCommand(
    'company',
    'show or change one company of an earlier pilot; interrupted, the same command goes on',
  )
    .argument('<id>', "the company's, such as c00042")
    .addArgument(
      new Argument('<change>', 'what to do with it').choices([
        ...['show', 'level', 'suspend', 'resume', 'decommission'],
      ]),
    )
    .argument('[level]', 'of `level`: the new one, such as DIAMOND')
    .option('--scenario <name>', "the pilot's: a name from `sandtable scenarios`, or a file", 'pilot-100')
    .action(async (id, change, level, flags) => {
      const scenario = loadScenario(flags.scenario, flags.set);
      const { company } = await import('./company.ts');
      process.exitCode = await company(scenario, id, change, level, flags);
    });

  provisionedCommand(
    'watch',
    'check what an earlier pilot provisioned as often as the plan says, and mend it; ends by itself',
  )
    .argument('[scenario]', "the pilot's: a name from `sandtable scenarios`, or a file", 'pilot-100')
    .requiredOption('--for <duration>', "how long by the fakes' clock, such as 10m; at most 24h")
    .action(async (name, flags) => {
      const scenario = loadScenario(name, flags.set);
      const { watch } = await import('./watch.ts');
      process.exitCode = await watch(scenario, flags.for, flags);
    });
}
