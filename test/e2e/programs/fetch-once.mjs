// A script without NestJS and without a word about telemetry: one request, then it runs out of things to do.
await (await fetch(process.argv[2])).text();
