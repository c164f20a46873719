import { Controller, Get, Inject } from '@nestjs/common';
import { Hospitals } from './hospitals.js';
import { openApi } from './openapi.js';
import type { HospitalView } from '@consilium/operator-api';

@Controller('api/v1')
export class HospitalsController {
  constructor(@Inject(Hospitals) private readonly hospitals: Hospitals) {}

  @Get('hospitals')
  list(): Promise<HospitalView[]> {
    return this.hospitals.list();
  }

  @Get('openapi.json')
  description() {
    return openApi();
  }
}
