import { describeBesideNodeSdk } from './behaviours/beside-node-sdk.behaviours.js';

describeBesideNodeSdk(12);
