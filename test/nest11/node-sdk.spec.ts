import { describeBesideNodeSdk } from '../e2e/behaviours/beside-node-sdk.behaviours.js';

describeBesideNodeSdk(11);
