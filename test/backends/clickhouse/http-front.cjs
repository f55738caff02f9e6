// Serves the ClickHouse engine that runs in this process over the part of ClickHouse's HTTP interface that its client for Node
// and the Collector's exporter use: queries with bound parameters and settings, inserts as text and in the native format, user
// and password, errors with their codes.
//
//   node http-front.cjs FOLDER_WITH_CHDB DATA_FOLDER PORT      the password of `default` is in FRONT_PASSWORD
const { createRequire } = require('node:module');
const { rmSync, writeFileSync } = require('node:fs');
const { createServer } = require('node:http');
const { join } = require('node:path');

const [, , folder, data, port] = process.argv;
const { Session } = createRequire(join(folder, 'package.json'))('chdb');
const session = new Session(data);
// The machine is shared: one query takes no more than this, or than what FRONT_SETTINGS says.
const LIMITS = 'max_threads = 1, max_insert_threads = 1, max_memory_usage = 800000000';
session.query(`SET ${process.env['FRONT_SETTINGS'] ?? LIMITS}`);

/** Settings that mean something only to a server. */
const OF_A_SERVER = new Set(['cancel_http_readonly_queries_on_client_close', 'wait_end_of_query']);
/** Parameters of the address that are no settings. */
const NO_SETTINGS = new Set([
  'query',
  'query_id',
  'database',
  'default_format',
  'session_id',
  'role',
  'client_protocol_version',
]);

// ClickHouse takes addresses of a megabyte, and the client writes parameters into them.
const server = createServer({ maxHeaderSize: 2 ** 20 }, (request, response) => {
  answer(request).then(
    (body) => response.end(body),
    (error) => {
      const message = String(error?.message ?? error).replace(/^Query failed: /, '');
      const [, code = '0'] = /Code: (\d+)/.exec(message) ?? [];
      response.writeHead(code === '516' ? 403 : 500, { 'x-clickhouse-exception-code': code });
      response.end(message);
    },
  );
});
// A query may keep this thread busy for seconds: a connection that then looks idle may have the next query waiting in it.
server.keepAliveTimeout = 0;
server.listen(Number(port), '127.0.0.1');
process.on('SIGTERM', () => process.exit(0));

async function answer(request) {
  const url = new URL(request.url, 'http://front');
  if (url.pathname === '/ping') return 'Ok.\n';
  checkPassword(request);
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  const inAddress = url.searchParams.get('query');
  if (inAddress !== null && NATIVE_INSERT.test(inAddress)) return insertNative(inAddress, bytes);
  const body = bytes.toString();
  if (inAddress?.trimStart().startsWith('INSERT')) return run(`${inAddress}\n${body}`, {}, []);
  if (body === HELLO) return helloBlock();
  const settings = [];
  const parameters = {};
  for (const [name, value] of url.searchParams) {
    if (name.startsWith('param_')) parameters[name.slice('param_'.length)] = unescape(value);
    else if (!NO_SETTINGS.has(name) && !OF_A_SERVER.has(name)) settings.push([name, value]);
  }
  const format = url.searchParams.get('default_format') ?? undefined;
  return run(inAddress ? `${inAddress}\n${body}` : body, parameters, settings, format);
}

const NATIVE_INSERT = /^\s*(INSERT\s.*?)\s+FORMAT\s+Native\s*;?\s*$/is;
let inserts = 0;

/** The engine takes statements as text, so what is binary goes through a file. */
async function insertNative(statement, bytes) {
  const [, insert] = NATIVE_INSERT.exec(statement);
  const file = join(data, `insert-${(inserts += 1)}.native`);
  writeFileSync(file, bytes);
  try {
    await session.queryAsync(`${insert} SELECT * FROM file('${file}', Native)`);
    return '';
  } finally {
    rmSync(file);
  }
}

/** The first question of ClickHouse's client for Go, with which the Collector's exporter begins. */
const HELLO = 'SELECT displayName(), version(), revision(), timezone()';

/**
 * Its answer, as a server encodes it for that client. Revision 0 has the client read all later answers in the plain native
 * format, which is what the engine writes outside of a server.
 */
function helloBlock() {
  const text = (value) => Buffer.from([value.length, ...Buffer.from(value)]);
  const column = (name, type, value) => [text(name), text(type), Buffer.from([0]), value];
  return Buffer.concat([
    // No overflow, bucket -1; four columns, one row.
    Buffer.from([1, 0, 2, 0xff, 0xff, 0xff, 0xff, 0, 4, 1]),
    ...column('displayName()', 'String', text('front')),
    ...column('version()', 'String', text('26.7.1.1')),
    ...column('revision()', 'UInt32', Buffer.alloc(4)),
    ...column('timezone()', 'String', text('UTC')),
  ]);
}

function checkPassword({ headers }) {
  const [, basic = ''] = /^Basic (.+)$/.exec(headers.authorization ?? '') ?? [];
  const [, inBasic = '', passwordInBasic] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(basic, 'base64').toString()) ?? [];
  const user = headers['x-clickhouse-user'] ?? inBasic;
  const password = headers['x-clickhouse-key'] ?? passwordInBasic;
  if (user === 'default' && password === (process.env['FRONT_PASSWORD'] ?? '')) return;
  throw new Error(
    `Code: 516. DB::Exception: ${user}: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)`,
  );
}

async function run(text, parameters, settings, otherwise = 'TabSeparated') {
  const [, sql = text, format = otherwise] = /^(.*?)\s+FORMAT\s+(\w+)\s*;?\s*$/s.exec(text) ?? [];
  if (
    settings.some(([name, value]) => name === 'readonly' && value !== '0') &&
    !/^\s*(?:SELECT|WITH)\b/i.test(sql)
  )
    throw new Error('Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)');
  const clause = settings
    .filter(([name]) => name !== 'readonly')
    .map(([name, value]) => `${name} = ${/^-?[\d.]+$/.test(value) ? value : `'${value}'`}`)
    .join(', ');
  const query = clause === '' ? sql : `${sql}\nSETTINGS ${clause}`;
  const isBound = Object.keys(parameters).length > 0;
  const result = await (isBound
    ? session.queryBindAsync(query, parameters, { format })
    : session.queryAsync(query, { format }));
  return result.bytes();
}

/** The client has escaped the text; the engine's binding does so again. */
function unescape(text) {
  const known = { t: '\t', n: '\n', r: '\r', N: '\\N' };
  return text.replace(/\\(.)/gs, (_, letter) => known[letter] ?? letter);
}
