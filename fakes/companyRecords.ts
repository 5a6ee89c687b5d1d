// The companies' records as the gateways read them: MongoDB, sharded by company. Plain state that answers at once;
// whoever reads it waits out the read (`delays.ts`).

import type { CompanyConfig } from '../src/ports.ts';

export class CompanyRecordsFake {
  /** Reads so far, of unknown companies too. */
  finds = 0;
  private readonly configs: ReadonlyMap<string, CompanyConfig>;

  constructor(configs: readonly CompanyConfig[]) {
    this.configs = new Map(configs.map(config => [config.id, config]));
  }

  find(company: string): CompanyConfig | undefined {
    this.finds++;
    return this.configs.get(company);
  }
}
