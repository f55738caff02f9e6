import { useMemo } from 'preact/hooks';

import type { LogAnswer } from '../../reader/answers/logs.interface.js';
import { Chips } from '../../ui/parts/chips.js';
import { SelectField, TextField } from '../../ui/parts/fields.js';
import { levels } from '../../ui/parts/severity.js';
import { countOf, type LivePages } from '../../ui/parts/use-live-pages.js';
import { useServices } from '../../ui/parts/use-services.js';
import { WhenListed } from '../../ui/parts/when-listed.js';
import { isLive, type Place, setQuery } from '../../ui/state.js';
import { ConditionField } from '../fields/view.js';
import { columnsOf } from './view/columns.js';
import { AddColumn, ColumnHeadings } from './view/log-columns.js';
import { LogDetails } from './view/log-details.js';
import { LogList } from './view/log-list.js';
import { LogPatterns } from './view/log-patterns.js';
import { isVolumeOf, LogVolume } from './view/log-volume.js';
import { LOG_FILTERS, useLogs } from './view/use-logs.js';

const PATTERNS = 'patterns';

/** Values of `show` in the address, in words. */
const SHOWN = [
  ['', 'Lines'],
  [PATTERNS, 'Patterns'],
] as const;

interface LogSearchProps {
  readonly place: Place;
  readonly shown: string;
  readonly lines: readonly LogAnswer[];
  readonly columns: readonly string[];
}

function LogSearch({ place, shown, lines, columns }: LogSearchProps) {
  const { query } = place;
  const services = useServices(place);
  const of = (name: string): string => query.get(name) ?? '';
  const set = (name: string) => (value: string) => {
    setQuery({ [name]: value });
  };
  return (
    <div class="search" role="search" aria-label="Logs">
      <TextField
        type="search"
        label="Search in messages and fields  ( / )"
        value={of('text')}
        onChange={set('text')}
      />
      <SelectField
        label="Level"
        any="All levels"
        value={of('level')}
        options={levels.map(
          (level) => [level, `${level.charAt(0).toUpperCase()}${level.slice(1)} and above`] as const,
        )}
        onChange={set('level')}
      />
      <SelectField label="Service" value={of('service')} options={services} onChange={set('service')} />
      <ConditionField word="field" of="logs" query={query} />
      <span class="segmented" role="group" aria-label="Show">
        {SHOWN.map(([name, word]) => (
          <button
            key={word}
            type="button"
            aria-pressed={of('show') === name}
            onClick={() => {
              setQuery({ show: name });
            }}
          >
            {word}
          </button>
        ))}
      </span>
      {of('show') === '' && <AddColumn lines={lines} columns={columns} />}
      <Chips label="Fields" query={query} named={['traceId', 'spanId']} />
      <span class="search-end hint" role="status">
        {shown}
      </span>
    </div>
  );
}

interface LinesProps {
  readonly place: Place;
  readonly pages: LivePages<LogAnswer>;
  readonly columns: readonly string[];
}

function Lines({ place, pages, columns }: LinesProps) {
  const openId = Number(place.query.get('log') ?? Number.NaN);
  const open = pages.items.find(({ id }) => id === openId);
  const onOpen = (log: LogAnswer | undefined): void => {
    setQuery({ log: log?.id }, { replace: true });
  };
  return (
    <WhenListed
      pages={pages}
      place={place}
      things="lines"
      filters={LOG_FILTERS}
      empty="What the application logs through Nest’s logger, pino or the telemetry service shows here by itself."
    >
      {() => (
        <div class={open ? 'log-split' : 'log-split log-split-closed'}>
          <div
            class="log-table"
            style={
              columns.length === 0
                ? {}
                : { '--columns': `repeat(${columns.length}, minmax(0, var(--share)))` }
            }
          >
            {columns.length > 0 && <ColumnHeadings columns={columns} />}
            <LogList pages={pages} openId={open?.id} columns={columns} onOpen={onOpen} />
          </div>
          {open && (
            <LogDetails
              log={open}
              place={place}
              onClose={() => {
                onOpen(undefined);
              }}
            />
          )}
        </div>
      )}
    </WhenListed>
  );
}

/** Log lines of all services: how many over time, and each, newest first, as they come in; or the patterns of the newest. */
export function View({ place }: { readonly place: Place }) {
  const pages = useLogs(place, isLive(place));
  const keys = place.query.getAll('column').join('|');
  const columns = useMemo(() => columnsOf(place.query), [keys]);
  const isByPattern = place.query.get('show') === PATTERNS;
  const shown = isByPattern || pages.items.length === 0 ? '' : countOf(pages, 'line');
  return (
    <div class="fill">
      <h1 class="visually-hidden">Logs</h1>
      <LogSearch place={place} shown={shown} lines={pages.items} columns={columns} />
      {pages.items.length > 0 && isVolumeOf(place) && <LogVolume place={place} />}
      {isByPattern ? <LogPatterns place={place} /> : <Lines place={place} pages={pages} columns={columns} />}
    </div>
  );
}
