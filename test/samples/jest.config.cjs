// The samples are compiled already; jest only asks them.
module.exports = {
  testEnvironment: 'node',
  testTimeout: 60_000,
  testMatch: ['<rootDir>/samples/*.spec.js'],
  transform: {},
};
