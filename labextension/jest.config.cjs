/** Pure parts are tested here; the rest in a real JupyterLab, by tests/browser. */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/src'],
  transform: { '\\.tsx?$': ['ts-jest', { tsconfig: 'tsconfig.test.json' }] }
};
