// The charts of the HTML report, as inline SVG: no script, no colour that only one theme can show, no id of its own.

import * as echarts from 'echarts';
import { duration, durationScale, grouped, oneLine } from './format.ts';
import { titleOfLimit } from './limits.ts';
import type { WithRollout, WithTraffic } from './report.ts';
import { slowestBound } from './sentences.ts';

/** Narrow, for its letters shrink with it on a phone. */
const WIDTH = 480;
const HEIGHT = 260;
const ROW_HEIGHT = 26;

/** Legible on white and on near-black; told apart in any kind of colour blindness, and by dashes besides. */
export const BLUE = '#3b82c4';
export const ORANGE = '#d97706';
const REGION_COLORS = [BLUE, '#6b9e23', '#a35cc4', '#b8544f', '#7a7f87'];
const REGION_DASHES = ['solid', [8, 4], [2, 3], [10, 3, 2, 3]];

/** In the legend. */
const REGIONS_A_ROW = 3;
const LEGEND_ROW_HEIGHT = 20;

/** The theme's own text colour, whichever it is. */
export const INK = 'currentColor';
const GRID_INK = { color: INK, opacity: 0.18 };
const NAMES_GAP = 34;

export function provisioningQuantileChart({ rollout, kpis }: WithRollout): string {
  const target = kpis.find(kpi => kpi.name === 'provisioningMsP99')?.target.value;
  return quantileChart(rollout.provisioningMsQuantiles, target);
}

export function queuedQuantileChart({ rollout }: WithRollout): string {
  return quantileChart(rollout.queuedMsQuantiles, undefined);
}

/** Time over the share of companies that needed at most as much; the target as a dashed line. */
function quantileChart(quantiles: readonly number[], targetMs: number | undefined): string {
  const highest = Math.max(...quantiles, targetMs ?? 0);
  const target = targetMs !== undefined && flatLine('target', [0, targetMs], [100, targetMs]);
  return svg(HEIGHT, {
    legend: target ? LEGEND : { show: false },
    grid: target ? GRID : { ...GRID, top: 16 },
    xAxis: { ...valueAxis('share of companies', percent => `${percent} %`), max: 100 },
    yAxis: { ...timeAxis(highest) },
    series: [
      { ...LINE, name: 'companies', color: BLUE, data: quantiles.map((ms, percent) => [percent, ms]) },
      ...(target ? [target] : []),
    ],
  });
}

/** Quantiles beyond this one are a handful of requests, and would flatten all others. */
const RESPONSE_PERCENT_MAX = 99;

/** Response time over the share of requests that took at most as long, a line a region; the target as a dashed line. */
export function responseQuantileChart({ traffic, kpis }: WithTraffic): string {
  const targetMs = kpis.find(kpi => kpi.name === 'responseTimeMsP95')?.target.value;
  const regions = traffic.regions.filter(({ quantilesMs }) => quantilesMs.length > 0);
  const shown = regions.map(({ quantilesMs }) => quantilesMs.slice(0, RESPONSE_PERCENT_MAX + 1));
  const highest = Math.max(...shown.flat(), targetMs ?? 0);
  const further = Math.max(Math.ceil(regions.length / REGIONS_A_ROW) - 1, 0) * LEGEND_ROW_HEIGHT;
  return svg(HEIGHT + further, {
    legend: LEGEND,
    grid: { ...GRID, top: GRID.top + further },
    xAxis: { ...valueAxis('share of requests', percent => `${percent} %`), max: 100 },
    yAxis: timeAxis(highest),
    series: [
      ...regions.map(({ region }, i) => ({
        ...LINE,
        name: oneLine(region),
        color: REGION_COLORS[i % REGION_COLORS.length],
        lineStyle: { width: 2, type: REGION_DASHES[i % REGION_DASHES.length] },
        data: shown[i].map((ms, percent) => [percent, ms]),
      })),
      ...(targetMs === undefined ? [] : [flatLine('target of P95', [0, targetMs], [100, targetMs])]),
    ],
  });
}

/** Healthy companies over time, with the line that the slowest limit allows. */
export function completionsChart({ rollout, limits }: WithRollout): string {
  const bound = slowestBound(limits);
  const last = rollout.completions.at(-1)?.atMs ?? 0;
  const points = [{ atMs: 0, companies: 0 }, ...rollout.completions].map(({ atMs, companies }) => [
    atMs,
    companies,
  ]);
  const best =
    bound && flatLine('at best, by the slowest limit', [0, 0], [bound.boundMs!, rollout.companies]);
  return svg(HEIGHT, {
    legend: LEGEND,
    grid: GRID,
    xAxis: {
      ...timeAxis(Math.max(last, bound?.boundMs ?? 0)),
      name: 'since the rollout began',
      nameLocation: 'middle',
    },
    yAxis: valueAxis('', companies => grouped(companies)),
    series: [{ ...LINE, name: 'healthy companies', color: BLUE, data: points }, ...(best ? [best] : [])],
  });
}

export function stepsChart({ rollout }: WithRollout): string {
  return barChart(rollout.steps.map(step => [step.kind, step.meanMs]));
}

export function waitsChart({ limits }: WithRollout): string {
  return barChart(limits.map(limit => [`${titleOfLimit(limit.name)} (${limit.kind})`, limit.waitMs]));
}

/** One bar a row, the first on top, each with its time at the end. */
function barChart(rows: readonly (readonly [string, number])[]): string {
  const longest = Math.max(...rows.map(([, ms]) => ms), 0);
  return svg(rows.length * ROW_HEIGHT + 56, {
    grid: { left: 8, right: 76, top: 8, bottom: 8, outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' },
    xAxis: timeAxis(longest),
    yAxis: {
      type: 'category',
      inverse: true,
      data: rows.map(([name]) => oneLine(name)),
      axisLabel: { color: INK, interval: 0, width: 220, overflow: 'truncate' },
      axisLine: { lineStyle: GRID_INK },
      axisTick: { show: false },
    },
    series: [
      {
        type: 'bar',
        color: BLUE,
        barMaxWidth: 16,
        data: rows.map(([, ms]) => ms),
        label: {
          show: true,
          position: 'right',
          color: INK,
          formatter: ({ value }: { value: number }) => duration(value),
        },
      },
    ],
  });
}

export const GRID = {
  left: 8,
  right: 28,
  top: 36,
  bottom: 26,
  outerBoundsMode: 'same',
  outerBoundsContain: 'axisLabel',
};
export const LEGEND = { top: 0, left: 0, textStyle: { color: INK }, itemStyle: { opacity: 0 } };
const LINE = { type: 'line', symbol: 'none', lineStyle: { width: 2 } } as const;

const flatLine = (name: string, from: number[], to: number[]) => ({
  ...LINE,
  name,
  color: ORANGE,
  lineStyle: { width: 2, type: 'dashed' },
  data: [from, to],
});

export function valueAxis(name: string, formatter: (value: number) => string) {
  return {
    type: 'value',
    name,
    nameLocation: 'middle',
    nameGap: NAMES_GAP - 8,
    nameTextStyle: { color: INK },
    axisLabel: { color: INK, formatter },
    axisLine: { lineStyle: GRID_INK },
    splitLine: { lineStyle: GRID_INK },
  };
}

/** Ticks at round times: a decimal axis would label 16.7 minutes. */
export function timeAxis(highestMs: number) {
  const interval = TICKS_MS.find(step => highestMs / step <= TICKS_MAX) ?? highestMs / TICKS_MAX;
  const max = Math.max(Math.ceil(highestMs / interval), 1) * interval;
  return { ...valueAxis('', durationScale(max)), interval, max };
}

const TICKS_MAX = 5;
const TICKS_MS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 20].map(seconds => seconds * 1000),
  ...[0.5, 1, 2, 5, 10, 20, 30].map(minutes => minutes * 60_000),
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500].map(hours => hours * 3_600_000),
];

/**
 * The bare drawing. The library names clip paths and classes by a count that runs through the process; the axes hold
 * every line, so nothing needs clipping, and classes only serve a pointer.
 */
export function svg(height: number, option: object): string {
  const chart = echarts.init(null, null, { renderer: 'svg', ssr: true, width: WIDTH, height });
  chart.setOption({ animation: false, textStyle: { color: INK }, ...option });
  const drawn = chart.renderToSVGString();
  chart.dispose();
  return drawn
    .replace(/<(style|defs|clipPath)\b[^>]*>[\s\S]*?<\/\1>/g, '')
    .replace(
      / (?:class|clip-path|ecmeta_\w+|xmlns|xmlns:xlink|version|baseProfile|pointer-events)="[^"]*"/g,
      '',
    )
    .replace(/<svg width="\d+" height="\d+"/, '<svg aria-hidden="true"');
}
