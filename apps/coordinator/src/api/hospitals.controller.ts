import { Controller, Get, Inject } from '@nestjs/common';
import type { HospitalView } from '@consilium/operator-api';
import { Needs } from '../operators/needs.js';
import { Hospitals } from './hospitals.js';
import { openApi } from './openapi.js';

@Controller('api/v1')
export class HospitalsController {
  constructor(@Inject(Hospitals) private readonly hospitals: Hospitals) {}

  @Get('hospitals')
  @Needs('read')
  list(): Promise<HospitalView[]> {
    return this.hospitals.list();
  }

  @Get('openapi.json')
  @Needs('read')
  description() {
    return openApi();
  }
}
