	switch (t->back) {
	default: Uerror("bad return move");
	case  0: goto R999; /* nothing to undo */

		 /* PROC :init: */

	case 3: // STATE 1
		;
		sv_restor();
;
		;
		goto R999;

	case 4: // STATE 2
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;

	case 5: // STATE 3
		;
		;
		delproc(0, now._nr_pr-1);
		;
		goto R999;

	case 6: // STATE 5
		;
		p_restor(II);
		;
		;
		goto R999;

		 /* PROC host */
;
		;
		
	case 8: // STATE 2
		;
		((P2 *)_this)->i = trpt->bup.oval;
		;
		goto R999;

	case 9: // STATE 3
		;
		((P2 *)_this)->i = trpt->bup.oval;
		;
		goto R999;

	case 10: // STATE 6
		;
		now.starts = trpt->bup.oval;
		;
		goto R999;

	case 11: // STATE 7
		;
		((P2 *)_this)->_8_17_16_13_y = trpt->bup.oval;
		;
		goto R999;
;
		;
		;
		;
		
	case 14: // STATE 10
		;
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].has_image = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 16: // STATE 31
		;
		((P2 *)_this)->_8_17_16_13_y = trpt->bup.ovals[10];
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].is_adv = trpt->bup.ovals[9];
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].serves = trpt->bup.ovals[8];
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].peer = trpt->bup.ovals[7];
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].key = trpt->bup.ovals[6];
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 11);
		goto R999;

	case 17: // STATE 31
		;
		((P2 *)_this)->_8_17_16_13_y = trpt->bup.oval;
		;
		goto R999;

	case 18: // STATE 44
		;
		now.im[ Index(((P2 *)_this)->i, 3) ].version = trpt->bup.ovals[7];
		now.im[ Index(((P2 *)_this)->i, 3) ].epoch = trpt->bup.ovals[6];
		now.im[ Index(((P2 *)_this)->i, 3) ].id = trpt->bup.ovals[5];
		now.im[ Index(((P2 *)_this)->i, 3) ].known = trpt->bup.ovals[4];
		now.im[ Index(((P2 *)_this)->i, 3) ].has_foreign = trpt->bup.ovals[3];
		now.im[ Index(((P2 *)_this)->i, 3) ].has_keys = trpt->bup.ovals[2];
		now.im[ Index(((P2 *)_this)->i, 3) ].is_up = trpt->bup.ovals[1];
		((P2 *)_this)->_8_17_16_13_y = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 8);
		goto R999;

	case 19: // STATE 48
		;
		now.im[ Index(((P2 *)_this)->i, 3) ].id = trpt->bup.ovals[1];
		now.ids = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 20: // STATE 52
		;
		now.im[ Index(((P2 *)_this)->i, 3) ].version = trpt->bup.ovals[2];
		now.im[ Index(((P2 *)_this)->i, 3) ].epoch = trpt->bup.ovals[1];
		now.im[ Index(((P2 *)_this)->i, 3) ].id = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 21: // STATE 56
		;
		now.im[ Index(((P2 *)_this)->i, 3) ].version = trpt->bup.ovals[2];
		now.im[ Index(((P2 *)_this)->i, 3) ].epoch = trpt->bup.ovals[1];
		now.im[ Index(((P2 *)_this)->i, 3) ].id = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 22: // STATE 66
		;
		((P2 *)_this)->i = trpt->bup.ovals[2];
		now.im[ Index(((P2 *)_this)->i, 3) ].is_up = trpt->bup.ovals[1];
		now.im[ Index(((P2 *)_this)->i, 3) ].serves = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 23: // STATE 66
		;
		((P2 *)_this)->i = trpt->bup.ovals[2];
		now.im[ Index(((P2 *)_this)->i, 3) ].is_up = trpt->bup.ovals[1];
		now.im[ Index(((P2 *)_this)->i, 3) ].serves = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 24: // STATE 66
		;
		((P2 *)_this)->i = trpt->bup.ovals[2];
		now.im[ Index(((P2 *)_this)->i, 3) ].is_up = trpt->bup.ovals[1];
		now.im[ Index(((P2 *)_this)->i, 3) ].serves = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 25: // STATE 66
		;
		((P2 *)_this)->i = trpt->bup.ovals[1];
		now.im[ Index(((P2 *)_this)->i, 3) ].is_up = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 26: // STATE 69
		;
		now.im[1].serves = trpt->bup.oval;
		;
		goto R999;
;
		;
		;
		;
		
	case 29: // STATE 109
		;
		now.cur = trpt->bup.ovals[7];
		now.s[ Index(now.sessions, 4) ].has_image = trpt->bup.ovals[6];
		now.s[ Index(now.sessions, 4) ].has_client = trpt->bup.ovals[5];
		now.s[ Index(now.sessions, 4) ].serves = trpt->bup.ovals[4];
		now.s[ Index(now.sessions, 4) ].key = trpt->bup.ovals[3];
		now.s[ Index(now.sessions, 4) ].peer = trpt->bup.ovals[2];
		now.s[ Index(now.sessions, 4) ].is_adv = trpt->bup.ovals[1];
		now.sessions = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 8);
		goto R999;

	case 30: // STATE 109
		;
		now.cur = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 32: // STATE 109
		;
		now.cur = trpt->bup.ovals[7];
		now.s[ Index(now.sessions, 4) ].has_image = trpt->bup.ovals[6];
		now.s[ Index(now.sessions, 4) ].has_client = trpt->bup.ovals[5];
		now.s[ Index(now.sessions, 4) ].serves = trpt->bup.ovals[4];
		now.s[ Index(now.sessions, 4) ].key = trpt->bup.ovals[3];
		now.s[ Index(now.sessions, 4) ].peer = trpt->bup.ovals[2];
		now.s[ Index(now.sessions, 4) ].is_adv = trpt->bup.ovals[1];
		now.sessions = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 8);
		goto R999;

	case 33: // STATE 109
		;
		now.cur = trpt->bup.ovals[7];
		now.s[ Index(now.sessions, 4) ].has_image = trpt->bup.ovals[6];
		now.s[ Index(now.sessions, 4) ].has_client = trpt->bup.ovals[5];
		now.s[ Index(now.sessions, 4) ].serves = trpt->bup.ovals[4];
		now.s[ Index(now.sessions, 4) ].key = trpt->bup.ovals[3];
		now.s[ Index(now.sessions, 4) ].peer = trpt->bup.ovals[2];
		now.s[ Index(now.sessions, 4) ].is_adv = trpt->bup.ovals[1];
		now.sessions = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 8);
		goto R999;
;
		;
		
	case 35: // STATE 109
		;
		now.cur = trpt->bup.ovals[7];
		now.s[ Index(now.sessions, 4) ].has_image = trpt->bup.ovals[6];
		now.s[ Index(now.sessions, 4) ].has_client = trpt->bup.ovals[5];
		now.s[ Index(now.sessions, 4) ].serves = trpt->bup.ovals[4];
		now.s[ Index(now.sessions, 4) ].key = trpt->bup.ovals[3];
		now.s[ Index(now.sessions, 4) ].peer = trpt->bup.ovals[2];
		now.s[ Index(now.sessions, 4) ].is_adv = trpt->bup.ovals[1];
		now.sessions = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 8);
		goto R999;
;
		;
		
	case 37: // STATE 118
		;
		now.s[ Index(now.sessions, 4) ].has_image = trpt->bup.ovals[6];
		now.s[ Index(now.sessions, 4) ].has_client = trpt->bup.ovals[5];
		now.s[ Index(now.sessions, 4) ].serves = trpt->bup.ovals[4];
		now.s[ Index(now.sessions, 4) ].key = trpt->bup.ovals[3];
		now.s[ Index(now.sessions, 4) ].peer = trpt->bup.ovals[2];
		now.s[ Index(now.sessions, 4) ].is_adv = trpt->bup.ovals[1];
		now.sessions = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 7);
		goto R999;
;
		;
		
	case 39: // STATE 128
		;
		now.s[ Index(now.sessions, 4) ].has_image = trpt->bup.ovals[6];
		now.s[ Index(now.sessions, 4) ].has_client = trpt->bup.ovals[5];
		now.s[ Index(now.sessions, 4) ].serves = trpt->bup.ovals[4];
		now.s[ Index(now.sessions, 4) ].key = trpt->bup.ovals[3];
		now.s[ Index(now.sessions, 4) ].peer = trpt->bup.ovals[2];
		now.s[ Index(now.sessions, 4) ].is_adv = trpt->bup.ovals[1];
		now.sessions = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 7);
		goto R999;
;
		;
		
	case 41: // STATE 133
		;
		((P2 *)_this)->x = trpt->bup.oval;
		;
		goto R999;

	case 42: // STATE 135
		;
		((P2 *)_this)->x = trpt->bup.oval;
		;
		goto R999;

	case 43: // STATE 137
		;
		((P2 *)_this)->x = trpt->bup.oval;
		;
		goto R999;

	case 44: // STATE 188
		;
		((P2 *)_this)->x = trpt->bup.ovals[2];
		now.s[ Index(((P2 *)_this)->x, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(((P2 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 45: // STATE 188
		;
		((P2 *)_this)->x = trpt->bup.oval;
		;
		goto R999;

	case 46: // STATE 188
		;
		((P2 *)_this)->x = trpt->bup.ovals[3];
		now.s[ Index(((P2 *)_this)->x, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(((P2 *)_this)->x, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(((P2 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;

	case 47: // STATE 188
		;
		((P2 *)_this)->x = trpt->bup.ovals[2];
		now.s[ Index(((P2 *)_this)->x, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(((P2 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 48: // STATE 150
		;
		now.s[ Index(((P2 *)_this)->x, 4) ].has_client = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 50: // STATE 162
		;
		now.s[ Index(((P2 *)_this)->x, 4) ].is_adv = trpt->bup.ovals[9];
		now.s[ Index(((P2 *)_this)->x, 4) ].serves = trpt->bup.ovals[8];
		now.s[ Index(((P2 *)_this)->x, 4) ].peer = trpt->bup.ovals[7];
		now.s[ Index(((P2 *)_this)->x, 4) ].key = trpt->bup.ovals[6];
		now.s[ Index(((P2 *)_this)->x, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(((P2 *)_this)->x, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(((P2 *)_this)->x, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(((P2 *)_this)->x, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(((P2 *)_this)->x, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(((P2 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 10);
		goto R999;

	case 51: // STATE 168
		;
		now.s[ Index(((P2 *)_this)->x, 4) ].has_image = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 53: // STATE 188
		;
		((P2 *)_this)->x = trpt->bup.ovals[10];
		now.s[ Index(((P2 *)_this)->x, 4) ].is_adv = trpt->bup.ovals[9];
		now.s[ Index(((P2 *)_this)->x, 4) ].serves = trpt->bup.ovals[8];
		now.s[ Index(((P2 *)_this)->x, 4) ].peer = trpt->bup.ovals[7];
		now.s[ Index(((P2 *)_this)->x, 4) ].key = trpt->bup.ovals[6];
		now.s[ Index(((P2 *)_this)->x, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(((P2 *)_this)->x, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(((P2 *)_this)->x, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(((P2 *)_this)->x, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(((P2 *)_this)->x, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(((P2 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 11);
		goto R999;
;
		;
		
	case 55: // STATE 193
		;
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		
	case 56: // STATE 203
		goto R999;

	case 57: // STATE 198
		;
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;

	case 58: // STATE 201
		;
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		;
		
	case 60: // STATE 207
		;
		((P2 *)_this)->i = trpt->bup.oval;
		;
		goto R999;

	case 61: // STATE 209
		;
		((P2 *)_this)->i = trpt->bup.oval;
		;
		goto R999;

	case 62: // STATE 213
		;
		((P2 *)_this)->x = trpt->bup.oval;
		;
		goto R999;

	case 63: // STATE 215
		;
		((P2 *)_this)->x = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 65: // STATE 221
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;

	case 66: // STATE 225
		;
		sv_restor();
;
		;
		goto R999;

	case 67: // STATE 227
		;
		((P2 *)_this)->x = trpt->bup.ovals[1];
		((P2 *)_this)->i = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 68: // STATE 232
		;
		p_restor(II);
		;
		;
		goto R999;

		 /* PROC image */
;
		;
		
	case 70: // STATE 3
		;
		((P1 *)_this)->x = trpt->bup.oval;
		;
		goto R999;

	case 71: // STATE 5
		;
		((P1 *)_this)->x = trpt->bup.oval;
		;
		goto R999;

	case 72: // STATE 7
		;
		((P1 *)_this)->x = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 74: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.ovals[11];
		now.s[ Index(((P1 *)_this)->x, 4) ].a = trpt->bup.ovals[10];
		now.s[ Index(((P1 *)_this)->x, 4) ].epoch = trpt->bup.ovals[9];
		now.s[ Index(((P1 *)_this)->x, 4) ].id = trpt->bup.ovals[8];
		now.s[ Index(((P1 *)_this)->x, 4) ].version = trpt->bup.ovals[7];
		now.s[ Index(((P1 *)_this)->x, 4) ].what = trpt->bup.ovals[6];
		now.quotes = trpt->bup.ovals[5];
		now.q[ Index(now.quotes, 3) ].nonce = trpt->bup.ovals[4];
		now.q[ Index(now.quotes, 3) ].version = trpt->bup.ovals[3];
		now.q[ Index(now.quotes, 3) ].serves = trpt->bup.ovals[2];
		now.q[ Index(now.quotes, 3) ].key = trpt->bup.ovals[1];
		now.q[ Index(now.quotes, 3) ].exporter = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 12);
		goto R999;

	case 75: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.ovals[5];
		now.s[ Index(((P1 *)_this)->x, 4) ].a = trpt->bup.ovals[4];
		now.s[ Index(((P1 *)_this)->x, 4) ].epoch = trpt->bup.ovals[3];
		now.s[ Index(((P1 *)_this)->x, 4) ].id = trpt->bup.ovals[2];
		now.s[ Index(((P1 *)_this)->x, 4) ].version = trpt->bup.ovals[1];
		now.s[ Index(((P1 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 6);
		goto R999;

	case 76: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.oval;
		;
		goto R999;
;
		;
		;
		;
		
	case 79: // STATE 29
		;
		sv_restor();
;
		;
		goto R999;

	case 80: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.ovals[1];
		now.s[ Index(((P1 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		;
		
	case 82: // STATE 40
		;
		now.im[ Index(((P1 *)_this)->i, 3) ].epoch = trpt->bup.ovals[1];
		now.im[ Index(((P1 *)_this)->i, 3) ].version = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 83: // STATE 40
		;
		now.im[ Index(((P1 *)_this)->i, 3) ].epoch = trpt->bup.ovals[2];
		now.im[ Index(((P1 *)_this)->i, 3) ].version = trpt->bup.ovals[1];
		now.broken = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 84: // STATE 40
		;
		now.im[ Index(((P1 *)_this)->i, 3) ].epoch = trpt->bup.ovals[1];
		now.im[ Index(((P1 *)_this)->i, 3) ].version = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 85: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.ovals[8];
		now.s[ Index(((P1 *)_this)->x, 4) ].id = trpt->bup.ovals[7];
		now.s[ Index(((P1 *)_this)->x, 4) ].b = trpt->bup.ovals[6];
		now.s[ Index(((P1 *)_this)->x, 4) ].a = trpt->bup.ovals[5];
		now.s[ Index(((P1 *)_this)->x, 4) ].what = trpt->bup.ovals[4];
		now.sealed = trpt->bup.ovals[3];
		now.blobs[ Index(now.sealed, 2) ].version = trpt->bup.ovals[2];
		now.blobs[ Index(now.sealed, 2) ].epoch = trpt->bup.ovals[1];
		now.blobs[ Index(now.sealed, 2) ].id = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 9);
		goto R999;

	case 86: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.ovals[4];
		now.s[ Index(((P1 *)_this)->x, 4) ].id = trpt->bup.ovals[3];
		now.s[ Index(((P1 *)_this)->x, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(((P1 *)_this)->x, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(((P1 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 5);
		goto R999;
;
		;
		
	case 88: // STATE 58
		;
		((P1 *)_this)->_7_15_15_k = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 90: // STATE 60
		;
		sv_restor();
;
		;
		goto R999;

	case 91: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.ovals[2];
		((P1 *)_this)->_7_15_15_k = trpt->bup.ovals[1];
		now.s[ Index(((P1 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;
;
		;
		;
		;
		
	case 94: // STATE 72
		;
		now.im[ Index(((P1 *)_this)->i, 3) ].known = trpt->bup.ovals[1];
		now.installed = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 95: // STATE 72
		;
		now.im[ Index(((P1 *)_this)->i, 3) ].known = trpt->bup.ovals[2];
		now.installed = trpt->bup.ovals[1];
		now.broken = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 96: // STATE 72
		;
		now.im[ Index(((P1 *)_this)->i, 3) ].known = trpt->bup.ovals[1];
		now.installed = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 97: // STATE 77
		;
		now.im[ Index(((P1 *)_this)->i, 3) ].has_foreign = trpt->bup.oval;
		;
		goto R999;

	case 98: // STATE 79
		;
		now.im[ Index(((P1 *)_this)->i, 3) ].has_keys = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 100: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.ovals[3];
		((P1 *)_this)->_7_15_15_k = trpt->bup.ovals[2];
		now.s[ Index(((P1 *)_this)->x, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(((P1 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;

	case 101: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.ovals[4];
		((P1 *)_this)->_7_15_15_k = trpt->bup.ovals[3];
		now.s[ Index(((P1 *)_this)->x, 4) ].a = trpt->bup.ovals[2];
		now.s[ Index(((P1 *)_this)->x, 4) ].what = trpt->bup.ovals[1];
		now.broken = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 5);
		goto R999;

	case 102: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.ovals[3];
		((P1 *)_this)->_7_15_15_k = trpt->bup.ovals[2];
		now.s[ Index(((P1 *)_this)->x, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(((P1 *)_this)->x, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;

	case 103: // STATE 97
		;
		((P1 *)_this)->x = trpt->bup.ovals[1];
		((P1 *)_this)->_7_15_15_k = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		;
		
	case 105: // STATE 102
		;
		now.im[ Index(((P1 *)_this)->i, 3) ].has_foreign = trpt->bup.ovals[1];
		now.im[ Index(((P1 *)_this)->i, 3) ].has_keys = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 106: // STATE 106
		;
		sv_restor();
;
		;
		goto R999;
;
		;
		;
		
	case 108: // STATE 108
		goto R999;
;
		
	case 109: // STATE 113
		goto R999;

	case 110: // STATE 110
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;

	case 111: // STATE 118
		;
		p_restor(II);
		;
		;
		goto R999;

		 /* PROC gateway */
;
		;
		
	case 113: // STATE 6
		;
		now.gw = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[2];
		now.nonce = trpt->bup.ovals[1];
		now.nonces = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 5);
		goto R999;

	case 114: // STATE 10
		;
		now.gw = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 116: // STATE 13
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.oval;
		;
		goto R999;

	case 117: // STATE 15
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.oval;
		;
		goto R999;

	case 118: // STATE 17
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.oval;
		;
		goto R999;

	case 119: // STATE 19
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.oval;
		;
		goto R999;

	case 120: // STATE 21
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.oval;
		;
		goto R999;

	case 121: // STATE 22
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.oval;
		;
		goto R999;
;
		;
		;
		;
		
	case 124: // STATE 29
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 126: // STATE 36
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 128: // STATE 43
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 130: // STATE 50
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 132: // STATE 63
		;
		now.nonce = trpt->bup.ovals[1];
		now.gw = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 133: // STATE 63
		;
		now.nonce = trpt->bup.ovals[2];
		now.gw = trpt->bup.ovals[1];
		now.broken = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 134: // STATE 63
		;
		now.nonce = trpt->bup.ovals[1];
		now.gw = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 135: // STATE 157
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 7);
		goto R999;

	case 136: // STATE 157
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 138: // STATE 72
		;
		sv_restor();
;
		;
		goto R999;

	case 139: // STATE 73
		;
		now.is_lost = trpt->bup.oval;
		;
		goto R999;

	case 140: // STATE 75
		;
		now.using = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 142: // STATE 82
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 144: // STATE 87
		;
		now.s[ Index(now.cur, 4) ].has_client = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 146: // STATE 157
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.ovals[14];
		now.gw = trpt->bup.ovals[13];
		now.is_lost = trpt->bup.ovals[12];
		now.nonce = trpt->bup.ovals[11];
		now.cur = trpt->bup.ovals[10];
		now.s[ Index(now.cur, 4) ].is_adv = trpt->bup.ovals[9];
		now.s[ Index(now.cur, 4) ].serves = trpt->bup.ovals[8];
		now.s[ Index(now.cur, 4) ].peer = trpt->bup.ovals[7];
		now.s[ Index(now.cur, 4) ].key = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 15);
		goto R999;

	case 147: // STATE 157
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.ovals[4];
		now.gw = trpt->bup.ovals[3];
		now.is_lost = trpt->bup.ovals[2];
		now.nonce = trpt->bup.ovals[1];
		now.cur = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 5);
		goto R999;
;
		;
		
	case 149: // STATE 114
		;
		sv_restor();
;
		;
		goto R999;

	case 150: // STATE 115
		;
		now.is_lost = trpt->bup.oval;
		;
		goto R999;

	case 151: // STATE 117
		;
		now.using = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 153: // STATE 124
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 155: // STATE 129
		;
		now.s[ Index(now.cur, 4) ].has_client = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 157: // STATE 157
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.ovals[14];
		now.gw = trpt->bup.ovals[13];
		now.is_lost = trpt->bup.ovals[12];
		now.nonce = trpt->bup.ovals[11];
		now.cur = trpt->bup.ovals[10];
		now.s[ Index(now.cur, 4) ].is_adv = trpt->bup.ovals[9];
		now.s[ Index(now.cur, 4) ].serves = trpt->bup.ovals[8];
		now.s[ Index(now.cur, 4) ].peer = trpt->bup.ovals[7];
		now.s[ Index(now.cur, 4) ].key = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 15);
		goto R999;

	case 158: // STATE 157
		;
		((P0 *)_this)->_6_3_2_e = trpt->bup.ovals[4];
		now.gw = trpt->bup.ovals[3];
		now.is_lost = trpt->bup.ovals[2];
		now.nonce = trpt->bup.ovals[1];
		now.cur = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 5);
		goto R999;
;
		;
		;
		;
		
	case 161: // STATE 162
		;
		sv_restor();
;
		;
		goto R999;

	case 162: // STATE 163
		;
		now.is_lost = trpt->bup.oval;
		;
		goto R999;

	case 163: // STATE 165
		;
		now.using = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 165: // STATE 172
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 167: // STATE 177
		;
		now.s[ Index(now.cur, 4) ].has_client = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 169: // STATE 201
		;
		now.gw = trpt->bup.ovals[13];
		now.is_lost = trpt->bup.ovals[12];
		now.nonce = trpt->bup.ovals[11];
		now.cur = trpt->bup.ovals[10];
		now.s[ Index(now.cur, 4) ].is_adv = trpt->bup.ovals[9];
		now.s[ Index(now.cur, 4) ].serves = trpt->bup.ovals[8];
		now.s[ Index(now.cur, 4) ].peer = trpt->bup.ovals[7];
		now.s[ Index(now.cur, 4) ].key = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 14);
		goto R999;

	case 170: // STATE 201
		;
		now.gw = trpt->bup.ovals[3];
		now.is_lost = trpt->bup.ovals[2];
		now.nonce = trpt->bup.ovals[1];
		now.cur = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;
;
		
	case 171: // STATE 219
		goto R999;

	case 172: // STATE 204
		;
		now.high = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 174: // STATE 217
		;
		now.gw = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[2];
		now.begun = trpt->bup.ovals[1];
		now.high_ever = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 6);
		goto R999;

	case 175: // STATE 217
		;
		now.gw = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[3];
		now.begun = trpt->bup.ovals[2];
		now.high_ever = trpt->bup.ovals[1];
		now.broken = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 7);
		goto R999;

	case 176: // STATE 217
		;
		now.gw = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[2];
		now.begun = trpt->bup.ovals[1];
		now.high_ever = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 6);
		goto R999;
;
		;
		
	case 178: // STATE 229
		;
		now.latest[ Index(now.holder, 4) ] = trpt->bup.ovals[3];
		now.confirmed = trpt->bup.ovals[2];
		now.holder = trpt->bup.ovals[1];
		now.latest[ Index(now.holder, 4) ] = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;

	case 179: // STATE 229
		;
		now.latest[ Index(now.holder, 4) ] = trpt->bup.ovals[2];
		now.confirmed = trpt->bup.ovals[1];
		now.holder = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 180: // STATE 235
		;
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 6);
		goto R999;

	case 181: // STATE 239
		;
		now.using = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;
;
		;
		
	case 183: // STATE 243
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		;
		
	case 185: // STATE 248
		goto R999;
;
		
	case 186: // STATE 253
		goto R999;

	case 187: // STATE 250
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 189: // STATE 257
		;
		sv_restor();
;
		;
		goto R999;

	case 190: // STATE 265
		;
		now.gw = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 7);
		goto R999;

	case 191: // STATE 268
		;
		now.rekeys = trpt->bup.oval;
		;
		goto R999;

	case 192: // STATE 271
		;
		now.using = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;
;
		;
		
	case 194: // STATE 275
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		;
		
	case 196: // STATE 280
		goto R999;
;
		
	case 197: // STATE 285
		goto R999;

	case 198: // STATE 282
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 200: // STATE 289
		;
		sv_restor();
;
		;
		goto R999;

	case 201: // STATE 295
		;
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 6);
		goto R999;
;
		;
		
	case 203: // STATE 303
		;
		now.gw = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[2];
		now.nonce = trpt->bup.ovals[1];
		now.nonces = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 5);
		goto R999;
;
		;
		
	case 205: // STATE 307
		;
		sv_restor();
;
		;
		goto R999;

	case 206: // STATE 308
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.oval;
		;
		goto R999;

	case 207: // STATE 310
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.oval;
		;
		goto R999;

	case 208: // STATE 312
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.oval;
		;
		goto R999;

	case 209: // STATE 314
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.oval;
		;
		goto R999;

	case 210: // STATE 316
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.oval;
		;
		goto R999;

	case 211: // STATE 317
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.oval;
		;
		goto R999;
;
		;
		;
		;
		
	case 214: // STATE 324
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 216: // STATE 331
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 218: // STATE 338
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 220: // STATE 345
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 222: // STATE 358
		;
		now.nonce = trpt->bup.ovals[1];
		now.gw = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 223: // STATE 358
		;
		now.nonce = trpt->bup.ovals[2];
		now.gw = trpt->bup.ovals[1];
		now.broken = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 3);
		goto R999;

	case 224: // STATE 358
		;
		now.nonce = trpt->bup.ovals[1];
		now.gw = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 225: // STATE 452
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 7);
		goto R999;

	case 226: // STATE 452
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 228: // STATE 367
		;
		sv_restor();
;
		;
		goto R999;

	case 229: // STATE 368
		;
		now.is_lost = trpt->bup.oval;
		;
		goto R999;

	case 230: // STATE 370
		;
		now.using = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 232: // STATE 377
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 234: // STATE 382
		;
		now.s[ Index(now.cur, 4) ].has_client = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 236: // STATE 452
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.ovals[14];
		now.gw = trpt->bup.ovals[13];
		now.is_lost = trpt->bup.ovals[12];
		now.nonce = trpt->bup.ovals[11];
		now.cur = trpt->bup.ovals[10];
		now.s[ Index(now.cur, 4) ].is_adv = trpt->bup.ovals[9];
		now.s[ Index(now.cur, 4) ].serves = trpt->bup.ovals[8];
		now.s[ Index(now.cur, 4) ].peer = trpt->bup.ovals[7];
		now.s[ Index(now.cur, 4) ].key = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 15);
		goto R999;

	case 237: // STATE 452
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.ovals[4];
		now.gw = trpt->bup.ovals[3];
		now.is_lost = trpt->bup.ovals[2];
		now.nonce = trpt->bup.ovals[1];
		now.cur = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 5);
		goto R999;
;
		;
		
	case 239: // STATE 409
		;
		sv_restor();
;
		;
		goto R999;

	case 240: // STATE 410
		;
		now.is_lost = trpt->bup.oval;
		;
		goto R999;

	case 241: // STATE 412
		;
		now.using = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 243: // STATE 419
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 245: // STATE 424
		;
		now.s[ Index(now.cur, 4) ].has_client = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 247: // STATE 452
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.ovals[14];
		now.gw = trpt->bup.ovals[13];
		now.is_lost = trpt->bup.ovals[12];
		now.nonce = trpt->bup.ovals[11];
		now.cur = trpt->bup.ovals[10];
		now.s[ Index(now.cur, 4) ].is_adv = trpt->bup.ovals[9];
		now.s[ Index(now.cur, 4) ].serves = trpt->bup.ovals[8];
		now.s[ Index(now.cur, 4) ].peer = trpt->bup.ovals[7];
		now.s[ Index(now.cur, 4) ].key = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 15);
		goto R999;

	case 248: // STATE 452
		;
		((P0 *)_this)->_6_10_10_e = trpt->bup.ovals[4];
		now.gw = trpt->bup.ovals[3];
		now.is_lost = trpt->bup.ovals[2];
		now.nonce = trpt->bup.ovals[1];
		now.cur = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 5);
		goto R999;
;
		;
		
	case 250: // STATE 457
		;
		now.using = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 252: // STATE 464
		;
		now.broken = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 254: // STATE 469
		;
		now.s[ Index(now.cur, 4) ].has_client = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 256: // STATE 493
		;
		now.gw = trpt->bup.ovals[13];
		now.is_lost = trpt->bup.ovals[12];
		now.nonce = trpt->bup.ovals[11];
		now.cur = trpt->bup.ovals[10];
		now.s[ Index(now.cur, 4) ].is_adv = trpt->bup.ovals[9];
		now.s[ Index(now.cur, 4) ].serves = trpt->bup.ovals[8];
		now.s[ Index(now.cur, 4) ].peer = trpt->bup.ovals[7];
		now.s[ Index(now.cur, 4) ].key = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 14);
		goto R999;

	case 257: // STATE 493
		;
		now.gw = trpt->bup.ovals[3];
		now.is_lost = trpt->bup.ovals[2];
		now.nonce = trpt->bup.ovals[1];
		now.cur = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 4);
		goto R999;

	case 258: // STATE 497
		;
		now.using = trpt->bup.oval;
		;
		goto R999;

	case 259: // STATE 501
		;
		now.using = trpt->bup.ovals[1];
		now.restarts = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;
;
		;
		
	case 261: // STATE 503
		;
		now.s[ Index(now.cur, 4) ].has_client = trpt->bup.oval;
		;
		goto R999;
;
		;
		
	case 263: // STATE 525
		;
		now.gw = trpt->bup.ovals[11];
		now.cur = trpt->bup.ovals[10];
		now.s[ Index(now.cur, 4) ].is_adv = trpt->bup.ovals[9];
		now.s[ Index(now.cur, 4) ].serves = trpt->bup.ovals[8];
		now.s[ Index(now.cur, 4) ].peer = trpt->bup.ovals[7];
		now.s[ Index(now.cur, 4) ].key = trpt->bup.ovals[6];
		now.s[ Index(now.cur, 4) ].epoch = trpt->bup.ovals[5];
		now.s[ Index(now.cur, 4) ].id = trpt->bup.ovals[4];
		now.s[ Index(now.cur, 4) ].version = trpt->bup.ovals[3];
		now.s[ Index(now.cur, 4) ].b = trpt->bup.ovals[2];
		now.s[ Index(now.cur, 4) ].a = trpt->bup.ovals[1];
		now.s[ Index(now.cur, 4) ].what = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 12);
		goto R999;

	case 264: // STATE 525
		;
		now.gw = trpt->bup.ovals[1];
		now.cur = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 265: // STATE 527
		;
		now.high = trpt->bup.oval;
		;
		goto R999;

	case 266: // STATE 531
		;
		now.policy = trpt->bup.oval;
		;
		goto R999;
;
		
	case 267: // STATE 534
		goto R999;

	case 268: // STATE 532
		;
		now.policy = trpt->bup.oval;
		;
		goto R999;

	case 269: // STATE 538
		;
		now.gw = trpt->bup.ovals[1];
		now.policy = trpt->bup.ovals[0];
		;
		ungrab_ints(trpt->bup.ovals, 2);
		goto R999;

	case 270: // STATE 543
		;
		p_restor(II);
		;
		;
		goto R999;
	}

