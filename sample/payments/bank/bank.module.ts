import { Global, Module } from '@nestjs/common';
import { Bank } from './bank.js';
import { CardNetwork } from './card-network.js';

@Global()
@Module({ providers: [Bank, CardNetwork], exports: [Bank, CardNetwork] })
export class BankModule {}
