// The same as a CommonJS script.
void fetch(process.argv[2]).then((response) => response.text());
