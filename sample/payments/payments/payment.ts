/** What a job of the queue is about. */
export interface Payment {
  readonly id: string;
  readonly customer: string;
  /** Which of the customer's payments it is, from 1: they are charged in this order. */
  readonly sequence: number;
  readonly cents: number;
}

export const PAYMENTS = 'payments';
