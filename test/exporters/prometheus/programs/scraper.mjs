// Reads the metrics at each URL it is sent, and answers with the length of the text.
process.on('message', async (url) => {
  const response = await fetch(url);
  process.send((await response.text()).length);
});
