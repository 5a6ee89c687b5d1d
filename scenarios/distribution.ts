// Distributions as inverse tables: one uniform in, one value out, no rejection, so one draw is one number.

const TABLE_SIZE = 4096;
const tables = new Map<number, Float64Array>();

/**
 * A log-normal of mean 1 whose logarithm has standard deviation `spread`, at the quantile `uniform` in [0, 1).
 * The tails end at the quantiles 1/8192 and 8191/8192; the table is scaled so that its mean is 1 all the same.
 */
export function logNormalOfMeanOne(spread: number, uniform: number): number {
  return at(tableOf(spread), uniform);
}

/** The same of another mean, for who draws from it again and again. */
export function logNormal(mean: number, spread: number): (uniform: number) => number {
  const table = tableOf(spread);
  return uniform => mean * at(table, uniform);
}

function tableOf(spread: number): Float64Array {
  let table = tables.get(spread);
  if (table === undefined) tables.set(spread, (table = logNormalTable(spread)));
  return table;
}

function at(table: Float64Array, uniform: number): number {
  const position = uniform * (TABLE_SIZE - 1);
  const index = Math.floor(position);
  return table[index] + (table[index + 1] - table[index]) * (position - index);
}

function logNormalTable(spread: number): Float64Array {
  const table = new Float64Array(TABLE_SIZE + 1);
  for (let i = 0; i < TABLE_SIZE; i++) table[i] = Math.exp(spread * normalQuantile((i + 0.5) / TABLE_SIZE));
  table[TABLE_SIZE] = table[TABLE_SIZE - 1];
  let area = 0;
  for (let i = 0; i < TABLE_SIZE - 1; i++) area += (table[i] + table[i + 1]) / 2;
  const mean = area / (TABLE_SIZE - 1);
  for (let i = 0; i <= TABLE_SIZE; i++) table[i] /= mean;
  return table;
}

/** Inverse of the standard normal distribution, to 7 digits: Wichura's AS 241, routine PPND7 (1988). */
export function normalQuantile(p: number): number {
  const q = p - 0.5;
  if (Math.abs(q) <= 0.425) {
    const r = 0.180625 - q * q;
    return (
      (q * (((59.10937472 * r + 159.29113202) * r + 50.434271938) * r + 3.3871327179)) /
      (((67.1875636 * r + 78.757757664) * r + 17.895169469) * r + 1)
    );
  }
  const r = Math.sqrt(-Math.log(q < 0 ? p : 1 - p));
  const x =
    r <= 5
      ? (((0.17023821103 * (r - 1.6) + 1.3067284816) * (r - 1.6) + 2.75681539) * (r - 1.6) + 1.4234372777) /
        ((0.12021132975 * (r - 1.6) + 0.7370016425) * (r - 1.6) + 1)
      : (((0.017337203997 * (r - 5) + 0.42868294337) * (r - 5) + 3.081226386) * (r - 5) + 6.657905115) /
        ((0.012258202635 * (r - 5) + 0.24197894225) * (r - 5) + 1);
  return q < 0 ? -x : x;
}
