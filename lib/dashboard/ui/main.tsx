import './language.js';

import { render } from 'preact';

import type { OverviewApi } from '../panels/overview/query.js';
import { App } from './app.js';
import { clientOf, signInByAddress } from './client.js';
import { learnAboutDatabase } from './database.js';
import { knowsServices, meetServices } from './parts/service-colour.js';

const overviewApi = clientOf<OverviewApi>();

/** Longer than the application takes to answer; shorter than a reader's patience. */
const LONGEST_WAIT_MS = 300;

/** Before anything of them is shown, or which view is opened first would decide about colours. */
async function meetAllServices(): Promise<void> {
  try {
    const services = await overviewApi.get('services', {}, AbortSignal.timeout(LONGEST_WAIT_MS));
    meetServices(services.map(({ name }) => name));
  } catch {
    // The view asks again, and says what is wrong.
  }
}

async function start(): Promise<void> {
  await signInByAddress();
  await Promise.all([knowsServices() || meetAllServices(), learnAboutDatabase()]);
  const root = document.getElementById('app');
  if (!root) return;
  root.textContent = '';
  render(<App />, root);
}

void start();
