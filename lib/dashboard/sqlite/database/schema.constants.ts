import { COUNTER_TABLES } from './tables/counters.constants.js';
import { LOG_TABLES } from './tables/logs.constants.js';
import { METRIC_TABLES } from './tables/metrics.constants.js';
import { SERVICE_TABLES } from './tables/services.constants.js';
import { TRACE_TABLES } from './tables/traces.constants.js';

/** Written into the header of each file of ours ("NTlm"), so that no other database is ever taken for one. */
export const APPLICATION_ID = 0x4e546c6d;

/** `PRAGMA user_version`; raise it with every change in `tables/`. */
export const SCHEMA_VERSION = 3;

/** Times of spans are microseconds since the epoch, those of logs and points milliseconds; ids of traces and spans are blobs. */
export const SCHEMA = COUNTER_TABLES + SERVICE_TABLES + TRACE_TABLES + LOG_TABLES + METRIC_TABLES;
