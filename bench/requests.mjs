/** What the load generator asks for. */
export const REQUESTS = {
  read: { path: '/orders', status: 200 },
  create: {
    method: 'POST',
    path: '/orders',
    status: 200,
    body: {
      customer: 'c-1042',
      items: [
        { name: 'book', count: '2' },
        { name: 'pen', count: '10' },
      ],
      note: 'leave it at the door',
    },
  },
  call: { path: '/quotes', status: 200 },
};
