// The waterfall as a drawing: a bar a company, from its admission to its end, cut into its steps and these into what they
// waited for; of steps side by side those on the critical path. Waits are lower than calls, so that no eye depends on colours to tell them apart.

import { BLUE, GRID, INK, LEGEND, ORANGE, svg, timeAxis, valueAxis } from './charts.ts';
import { oneLine } from './format.ts';
import type { WithRollout } from './report.ts';
import { PART_TITLES } from './sentences.ts';
import { PARTS, type Part } from './timelineRows.ts';
import type { CompanyWaterfall, WaterfallReport } from './waterfall.ts';

const PART_COLORS: Readonly<Record<Part, string>> = {
  lost: '#2f3136',
  quota: '#b8544f',
  limiter: ORANGE,
  calls: BLUE,
  poll: '#7a7f87',
  retry: '#a35cc4',
};

const HEIGHT_A_BAR = 64;
const BAR_HEIGHT = 20;
const WAIT_HEIGHT = 11;
const NAME_GAP = 4;
/** Below this the name of a step would be a letter or two, and lines would hide what they part. */
const NAME_WIDTH_MIN = 34;
const LINE_WIDTH_MIN = 3;
const LEGEND_HEIGHT = 48;

/** At P50, P95 and P99 and the slowest, the first on top. */
export function waterfallChart({ rollout }: WithRollout): string {
  const { ranked } = rollout.waterfall;
  const longest = Math.max(...ranked.map(({ durationMs }) => durationMs));
  return svg(LEGEND_HEIGHT + ranked.length * HEIGHT_A_BAR + 40, {
    legend: { ...LEGEND, itemStyle: {}, itemWidth: 12, itemHeight: 12 },
    grid: { ...GRID, top: LEGEND_HEIGHT },
    xAxis: { ...timeAxis(longest), name: 'since admission', nameLocation: 'middle' },
    yAxis: {
      ...valueAxis('', () => ''),
      type: 'category',
      inverse: true,
      data: ranked.map(({ ranks, company }) => `${ranks.join(',\n')}\n${oneLine(company)}`),
      axisLabel: { color: INK, interval: 0, lineHeight: 15 },
      axisTick: { show: false },
      splitLine: { show: false },
    },
    series: [...PARTS.flatMap(part => partSeries(part, ranked)), nameSeries(ranked)],
  });
}

/** The segments of one part in every step that has some; none where no step has. */
function partSeries(part: Part, companies: WaterfallReport['ranked']) {
  const data = companies.flatMap((company, bar) =>
    segments(company, part).map(([from, until]) => [from, bar, until]),
  );
  if (data.length === 0) return [];
  const height = part === 'calls' ? BAR_HEIGHT : WAIT_HEIGHT;
  return [
    {
      type: 'custom',
      name: PART_TITLES[part],
      color: PART_COLORS[part],
      data,
      renderItem: (_: unknown, api: Api) => {
        const [x, middle] = api.coord([api.value(0), api.value(1)]);
        const [end] = api.coord([api.value(2), api.value(1)]);
        const shape = { x, y: middle + BAR_HEIGHT - height, width: end - x, height };
        return { type: 'rect', shape, style: { fill: PART_COLORS[part] } };
      },
    },
  ];
}

/** What of a step came first is not kept: its parts are drawn in their usual order. */
function segments(company: CompanyWaterfall, wanted: Part): [fromMs: number, untilMs: number][] {
  const found: [number, number][] = [];
  for (const { beganMs, parts } of criticalSteps(company)) {
    let fromMs = beganMs;
    for (const part of PARTS) {
      const untilMs = fromMs + parts[part];
      if (part === wanted && untilMs > fromMs) found.push([fromMs, untilMs]);
      fromMs = untilMs;
    }
  }
  return found;
}

const criticalSteps = ({ steps }: CompanyWaterfall) => steps.filter(({ isCritical }) => isCritical);

/** A line where each step begins, and its name above it where there is room. */
function nameSeries(companies: WaterfallReport['ranked']) {
  const steps = companies.flatMap((company, bar) => criticalSteps(company).map(step => ({ bar, ...step })));
  return {
    type: 'custom',
    color: INK,
    data: steps.map(({ beganMs, endedMs, bar }) => [beganMs, bar, endedMs]),
    renderItem: ({ dataIndex }: { readonly dataIndex: number }, api: Api) => {
      const [x, middle] = api.coord([api.value(0), api.value(1)]);
      const [end] = api.coord([api.value(2), api.value(1)]);
      const width = end - x;
      const bottom = middle + BAR_HEIGHT;
      const hasRoom = width >= NAME_WIDTH_MIN;
      const top = hasRoom ? middle - NAME_GAP - 10 : middle - 2;
      const begin = {
        type: 'line',
        shape: { x1: x, y1: top, x2: x, y2: bottom },
        style: { stroke: INK, lineWidth: 1, opacity: 0.45 },
      };
      const name = {
        type: 'text',
        style: {
          x: x + 3,
          y: middle - NAME_GAP,
          text: oneLine(steps[dataIndex].step),
          fill: INK,
          fontSize: 11,
          verticalAlign: 'bottom',
          width: width - 3,
          overflow: 'truncate',
        },
      };
      return { type: 'group', children: hasRoom ? [begin, name] : width >= LINE_WIDTH_MIN ? [begin] : [] };
    },
  };
}

/** What the chart library gives to a drawing of its own. */
type Api = {
  readonly value: (dimension: number) => number;
  readonly coord: (point: readonly number[]) => number[];
};
