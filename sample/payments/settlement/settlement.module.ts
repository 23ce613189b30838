import { Module } from '@nestjs/common';
import { SettlementService } from './settlement.service.js';

@Module({ providers: [SettlementService] })
export class SettlementModule {}
