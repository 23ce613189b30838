/** The data of a job in the queue. */
export interface Payment {
  readonly id: string;
  readonly customer: string;
  /** Its number among the customer's payments, from 1: they are charged in this order. */
  readonly sequence: number;
  readonly cents: number;
}

export const PAYMENTS = 'payments';
