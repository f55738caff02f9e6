import { databasesSamples } from './databases.samples';
import { eventsSamples } from './events.samples';
import { graphqlSamples } from './graphql.samples';
import { httpSamples } from './http.samples';
import { messagesSamples } from './messages.samples';
import { type Sample } from './sample';

/** All samples, by what they show. */
export const samples: Readonly<Record<string, Sample>> = {
  ...httpSamples,
  ...eventsSamples,
  ...messagesSamples,
  ...graphqlSamples,
  ...databasesSamples,
};
