/** A processor that BullMQ runs in a process of its own; gives back what travelled with its job. */
module.exports = async ({ name, opts }) => {
  if (name === 'bad') throw new RangeError('sandboxed failure');
  return JSON.parse(opts.telemetry.metadata);
};
