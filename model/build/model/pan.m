#define rand	pan_rand
#define pthread_equal(a,b)	((a)==(b))
#if defined(HAS_CODE) && defined(VERBOSE)
	#ifdef BFS_PAR
		bfs_printf("Pr: %d Tr: %d\n", II, t->forw);
	#else
		cpu_printf("Pr: %d Tr: %d\n", II, t->forw);
	#endif
#endif
	switch (t->forw) {
	default: Uerror("bad forward move");
	case 0:	/* if without executable clauses */
		continue;
	case 1: /* generic 'goto' or 'skip' */
		IfNotBlocked
		_m = 3; goto P999;
	case 2: /* generic 'else' */
		IfNotBlocked
		if (trpt->o_pm&1) continue;
		_m = 3; goto P999;

		 /* PROC :init: */
	case 3: // STATE 1 - handshake.pml:519 - [{c_code14}] (0:0:0 - 1)
		IfNotBlocked
		reached[3][1] = 1;
		/* c_code14 */
		{ 
		sv_save(); (void)atexit(reached_print); now.rule = (unsigned char)number_of("RULE"); now.scenario = (unsigned char)number_of("SCENARIO");
                 now.starts_max = (unsigned char)number_of("STARTS"); now.sessions_max = (unsigned char)number_of("SESSIONS");
                 now.nonces_max = (unsigned char)number_of("NONCES");  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 4: // STATE 2 - handshake.pml:522 - [(run image(1))] (0:0:0 - 1)
		IfNotBlocked
		reached[3][2] = 1;
		if (!(addproc(II, 1, 1, 1)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 5: // STATE 3 - handshake.pml:522 - [(run image(2))] (0:0:0 - 1)
		IfNotBlocked
		reached[3][3] = 1;
		if (!(addproc(II, 1, 1, 2)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 6: // STATE 5 - handshake.pml:524 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[3][5] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */

		 /* PROC host */
	case 7: // STATE 1 - handshake.pml:461 - [((starts<starts_max))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][1] = 1;
		if (!((((int)now.starts)<((int)now.starts_max))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 8: // STATE 2 - handshake.pml:463 - [i = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[2][2] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->i);
		((P2 *)_this)->i = 1;
#ifdef VAR_RANGES
		logval("host:i", ((int)((P2 *)_this)->i));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 9: // STATE 3 - handshake.pml:464 - [i = 2] (0:0:1 - 1)
		IfNotBlocked
		reached[2][3] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->i);
		((P2 *)_this)->i = 2;
#ifdef VAR_RANGES
		logval("host:i", ((int)((P2 *)_this)->i));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 10: // STATE 6 - handshake.pml:430 - [starts = (starts+1)] (0:0:1 - 1)
		IfNotBlocked
		reached[2][6] = 1;
		(trpt+1)->bup.oval = ((int)now.starts);
		now.starts = (((int)now.starts)+1);
#ifdef VAR_RANGES
		logval("starts", ((int)now.starts));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 11: // STATE 7 - handshake.pml:414 - [y = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[2][7] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->_8_17_16_13_y);
		((P2 *)_this)->_8_17_16_13_y = 1;
#ifdef VAR_RANGES
		logval("host:y", ((int)((P2 *)_this)->_8_17_16_13_y));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 12: // STATE 8 - handshake.pml:415 - [((y<=3))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][8] = 1;
		if (!((((int)((P2 *)_this)->_8_17_16_13_y)<=3)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 13: // STATE 9 - handshake.pml:417 - [(((s[y].peer==i)&&s[y].has_image))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][9] = 1;
		if (!(((((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].peer)==((int)((P2 *)_this)->i))&&((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].has_image))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 14: // STATE 10 - handshake.pml:167 - [s[y].has_image = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[2][10] = 1;
		(trpt+1)->bup.oval = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].has_image);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].has_image = 0;
#ifdef VAR_RANGES
		logval("s[host:y].has_image", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].has_image));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 15: // STATE 11 - handshake.pml:169 - [(!(s[y].has_client))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][11] = 1;
		if (!( !(((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].has_client))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 16: // STATE 12 - handshake.pml:148 - [s[y].what = 0] (0:34:11 - 1)
		IfNotBlocked
		reached[2][12] = 1;
		(trpt+1)->bup.ovals = grab_ints(11);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].what);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[host:y].what", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].what));
#endif
		;
		/* merge: s[y].a = 0(34, 13, 34) */
		reached[2][13] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].a);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[host:y].a", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].a));
#endif
		;
		/* merge: s[y].b = 0(34, 14, 34) */
		reached[2][14] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].b);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[host:y].b", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].b));
#endif
		;
		/* merge: s[y].version = 0(34, 15, 34) */
		reached[2][15] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].version);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[host:y].version", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].version));
#endif
		;
		/* merge: s[y].id = 0(34, 16, 34) */
		reached[2][16] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].id);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[host:y].id", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].id));
#endif
		;
		/* merge: s[y].epoch = 0(34, 17, 34) */
		reached[2][17] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].epoch);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[host:y].epoch", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].epoch));
#endif
		;
		/* merge: s[y].key = 0(34, 19, 34) */
		reached[2][19] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].key);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].key = 0;
#ifdef VAR_RANGES
		logval("s[host:y].key", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].key));
#endif
		;
		/* merge: s[y].peer = 0(34, 20, 34) */
		reached[2][20] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].peer);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[host:y].peer", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].peer));
#endif
		;
		/* merge: s[y].serves = 0(34, 21, 34) */
		reached[2][21] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].serves);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].serves = 0;
#ifdef VAR_RANGES
		logval("s[host:y].serves", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].serves));
#endif
		;
		/* merge: s[y].is_adv = 0(34, 22, 34) */
		reached[2][22] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].is_adv);
		now.s[ Index(((P2 *)_this)->_8_17_16_13_y, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[host:y].is_adv", ((int)now.s[ Index(((int)((P2 *)_this)->_8_17_16_13_y), 4) ].is_adv));
#endif
		;
		/* merge: .(goto)(34, 26, 34) */
		reached[2][26] = 1;
		;
		/* merge: .(goto)(34, 30, 34) */
		reached[2][30] = 1;
		;
		/* merge: y = (y+1)(34, 31, 34) */
		reached[2][31] = 1;
		(trpt+1)->bup.ovals[10] = ((int)((P2 *)_this)->_8_17_16_13_y);
		((P2 *)_this)->_8_17_16_13_y = (((int)((P2 *)_this)->_8_17_16_13_y)+1);
#ifdef VAR_RANGES
		logval("host:y", ((int)((P2 *)_this)->_8_17_16_13_y));
#endif
		;
		/* merge: .(goto)(0, 35, 34) */
		reached[2][35] = 1;
		;
		_m = 3; goto P999; /* 13 */
	case 17: // STATE 31 - handshake.pml:420 - [y = (y+1)] (0:34:1 - 5)
		IfNotBlocked
		reached[2][31] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->_8_17_16_13_y);
		((P2 *)_this)->_8_17_16_13_y = (((int)((P2 *)_this)->_8_17_16_13_y)+1);
#ifdef VAR_RANGES
		logval("host:y", ((int)((P2 *)_this)->_8_17_16_13_y));
#endif
		;
		/* merge: .(goto)(0, 35, 34) */
		reached[2][35] = 1;
		;
		_m = 3; goto P999; /* 1 */
	case 18: // STATE 37 - handshake.pml:423 - [y = 0] (0:57:8 - 3)
		IfNotBlocked
		reached[2][37] = 1;
		(trpt+1)->bup.ovals = grab_ints(8);
		(trpt+1)->bup.ovals[0] = ((int)((P2 *)_this)->_8_17_16_13_y);
		((P2 *)_this)->_8_17_16_13_y = 0;
#ifdef VAR_RANGES
		logval("host:y", ((int)((P2 *)_this)->_8_17_16_13_y));
#endif
		;
		/* merge: im[i].is_up = 0(57, 38, 57) */
		reached[2][38] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].is_up);
		now.im[ Index(((P2 *)_this)->i, 3) ].is_up = 0;
#ifdef VAR_RANGES
		logval("im[host:i].is_up", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].is_up));
#endif
		;
		/* merge: im[i].has_keys = 0(57, 39, 57) */
		reached[2][39] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].has_keys);
		now.im[ Index(((P2 *)_this)->i, 3) ].has_keys = 0;
#ifdef VAR_RANGES
		logval("im[host:i].has_keys", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].has_keys));
#endif
		;
		/* merge: im[i].has_foreign = 0(57, 40, 57) */
		reached[2][40] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].has_foreign);
		now.im[ Index(((P2 *)_this)->i, 3) ].has_foreign = 0;
#ifdef VAR_RANGES
		logval("im[host:i].has_foreign", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].has_foreign));
#endif
		;
		/* merge: im[i].known = 0(57, 41, 57) */
		reached[2][41] = 1;
		(trpt+1)->bup.ovals[4] = now.im[ Index(((int)((P2 *)_this)->i), 3) ].known;
		now.im[ Index(((P2 *)_this)->i, 3) ].known = 0;
#ifdef VAR_RANGES
		logval("im[host:i].known", now.im[ Index(((int)((P2 *)_this)->i), 3) ].known);
#endif
		;
		/* merge: im[i].id = 0(57, 42, 57) */
		reached[2][42] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].id);
		now.im[ Index(((P2 *)_this)->i, 3) ].id = 0;
#ifdef VAR_RANGES
		logval("im[host:i].id", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].id));
#endif
		;
		/* merge: im[i].epoch = 0(57, 43, 57) */
		reached[2][43] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].epoch);
		now.im[ Index(((P2 *)_this)->i, 3) ].epoch = 0;
#ifdef VAR_RANGES
		logval("im[host:i].epoch", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].epoch));
#endif
		;
		/* merge: im[i].version = 0(57, 44, 57) */
		reached[2][44] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].version);
		now.im[ Index(((P2 *)_this)->i, 3) ].version = 0;
#ifdef VAR_RANGES
		logval("im[host:i].version", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].version));
#endif
		;
		_m = 3; goto P999; /* 7 */
	case 19: // STATE 46 - handshake.pml:433 - [((ids<3))] (62:0:2 - 1)
		IfNotBlocked
		reached[2][46] = 1;
		if (!((((int)now.ids)<3)))
			continue;
		/* merge: ids = (ids+1)(62, 47, 62) */
		reached[2][47] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.ids);
		now.ids = (((int)now.ids)+1);
#ifdef VAR_RANGES
		logval("ids", ((int)now.ids));
#endif
		;
		/* merge: im[i].id = ids(62, 48, 62) */
		reached[2][48] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].id);
		now.im[ Index(((P2 *)_this)->i, 3) ].id = ((int)now.ids);
#ifdef VAR_RANGES
		logval("im[host:i].id", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].id));
#endif
		;
		/* merge: .(goto)(0, 58, 62) */
		reached[2][58] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 20: // STATE 49 - handshake.pml:434 - [((sealed>0))] (62:0:3 - 1)
		IfNotBlocked
		reached[2][49] = 1;
		if (!((((int)now.sealed)>0)))
			continue;
		/* merge: im[i].id = blobs[0].id(62, 50, 62) */
		reached[2][50] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].id);
		now.im[ Index(((P2 *)_this)->i, 3) ].id = ((int)now.blobs[0].id);
#ifdef VAR_RANGES
		logval("im[host:i].id", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].id));
#endif
		;
		/* merge: im[i].epoch = blobs[0].epoch(62, 51, 62) */
		reached[2][51] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].epoch);
		now.im[ Index(((P2 *)_this)->i, 3) ].epoch = ((int)now.blobs[0].epoch);
#ifdef VAR_RANGES
		logval("im[host:i].epoch", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].epoch));
#endif
		;
		/* merge: im[i].version = blobs[0].version(62, 52, 62) */
		reached[2][52] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].version);
		now.im[ Index(((P2 *)_this)->i, 3) ].version = ((int)now.blobs[0].version);
#ifdef VAR_RANGES
		logval("im[host:i].version", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].version));
#endif
		;
		/* merge: .(goto)(0, 58, 62) */
		reached[2][58] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 21: // STATE 53 - handshake.pml:435 - [((sealed>1))] (62:0:3 - 1)
		IfNotBlocked
		reached[2][53] = 1;
		if (!((((int)now.sealed)>1)))
			continue;
		/* merge: im[i].id = blobs[1].id(62, 54, 62) */
		reached[2][54] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].id);
		now.im[ Index(((P2 *)_this)->i, 3) ].id = ((int)now.blobs[1].id);
#ifdef VAR_RANGES
		logval("im[host:i].id", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].id));
#endif
		;
		/* merge: im[i].epoch = blobs[1].epoch(62, 55, 62) */
		reached[2][55] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].epoch);
		now.im[ Index(((P2 *)_this)->i, 3) ].epoch = ((int)now.blobs[1].epoch);
#ifdef VAR_RANGES
		logval("im[host:i].epoch", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].epoch));
#endif
		;
		/* merge: im[i].version = blobs[1].version(62, 56, 62) */
		reached[2][56] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].version);
		now.im[ Index(((P2 *)_this)->i, 3) ].version = ((int)now.blobs[1].version);
#ifdef VAR_RANGES
		logval("im[host:i].version", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].version));
#endif
		;
		/* merge: .(goto)(0, 58, 62) */
		reached[2][58] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 22: // STATE 59 - handshake.pml:439 - [im[i].serves = 1] (0:229:3 - 1)
		IfNotBlocked
		reached[2][59] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].serves);
		now.im[ Index(((P2 *)_this)->i, 3) ].serves = 1;
#ifdef VAR_RANGES
		logval("im[host:i].serves", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].serves));
#endif
		;
		/* merge: .(goto)(229, 63, 229) */
		reached[2][63] = 1;
		;
		/* merge: im[i].is_up = 1(229, 64, 229) */
		reached[2][64] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].is_up);
		now.im[ Index(((P2 *)_this)->i, 3) ].is_up = 1;
#ifdef VAR_RANGES
		logval("im[host:i].is_up", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].is_up));
#endif
		;
		/* merge: i = 0(229, 66, 229) */
		reached[2][66] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P2 *)_this)->i);
		((P2 *)_this)->i = 0;
#ifdef VAR_RANGES
		logval("host:i", ((int)((P2 *)_this)->i));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 23: // STATE 60 - handshake.pml:440 - [im[i].serves = 2] (0:229:3 - 1)
		IfNotBlocked
		reached[2][60] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].serves);
		now.im[ Index(((P2 *)_this)->i, 3) ].serves = 2;
#ifdef VAR_RANGES
		logval("im[host:i].serves", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].serves));
#endif
		;
		/* merge: .(goto)(229, 63, 229) */
		reached[2][63] = 1;
		;
		/* merge: im[i].is_up = 1(229, 64, 229) */
		reached[2][64] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].is_up);
		now.im[ Index(((P2 *)_this)->i, 3) ].is_up = 1;
#ifdef VAR_RANGES
		logval("im[host:i].is_up", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].is_up));
#endif
		;
		/* merge: i = 0(229, 66, 229) */
		reached[2][66] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P2 *)_this)->i);
		((P2 *)_this)->i = 0;
#ifdef VAR_RANGES
		logval("host:i", ((int)((P2 *)_this)->i));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 24: // STATE 61 - handshake.pml:441 - [im[i].serves = 3] (0:229:3 - 1)
		IfNotBlocked
		reached[2][61] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].serves);
		now.im[ Index(((P2 *)_this)->i, 3) ].serves = 3;
#ifdef VAR_RANGES
		logval("im[host:i].serves", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].serves));
#endif
		;
		/* merge: .(goto)(229, 63, 229) */
		reached[2][63] = 1;
		;
		/* merge: im[i].is_up = 1(229, 64, 229) */
		reached[2][64] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].is_up);
		now.im[ Index(((P2 *)_this)->i, 3) ].is_up = 1;
#ifdef VAR_RANGES
		logval("im[host:i].is_up", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].is_up));
#endif
		;
		/* merge: i = 0(229, 66, 229) */
		reached[2][66] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P2 *)_this)->i);
		((P2 *)_this)->i = 0;
#ifdef VAR_RANGES
		logval("host:i", ((int)((P2 *)_this)->i));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 25: // STATE 64 - handshake.pml:443 - [im[i].is_up = 1] (0:229:2 - 4)
		IfNotBlocked
		reached[2][64] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].is_up);
		now.im[ Index(((P2 *)_this)->i, 3) ].is_up = 1;
#ifdef VAR_RANGES
		logval("im[host:i].is_up", ((int)now.im[ Index(((int)((P2 *)_this)->i), 3) ].is_up));
#endif
		;
		/* merge: i = 0(229, 66, 229) */
		reached[2][66] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P2 *)_this)->i);
		((P2 *)_this)->i = 0;
#ifdef VAR_RANGES
		logval("host:i", ((int)((P2 *)_this)->i));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 26: // STATE 68 - handshake.pml:467 - [((((rule==10)&&im[1].is_up)&&(im[1].serves==1)))] (229:0:1 - 1)
		IfNotBlocked
		reached[2][68] = 1;
		if (!((((((int)now.rule)==10)&&((int)now.im[1].is_up))&&(((int)now.im[1].serves)==1))))
			continue;
		/* merge: im[1].serves = 2(0, 69, 229) */
		reached[2][69] = 1;
		(trpt+1)->bup.oval = ((int)now.im[1].serves);
		now.im[1].serves = 2;
#ifdef VAR_RANGES
		logval("im[1].serves", ((int)now.im[1].serves));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 27: // STATE 71 - handshake.pml:469 - [((((gw==idle)&&(cur==0))&&(sessions<sessions_max)))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][71] = 1;
		if (!((((now.gw==6)&&(((int)now.cur)==0))&&(((int)now.sessions)<((int)now.sessions_max)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 28: // STATE 72 - handshake.pml:471 - [((im[1].is_up&&(((rule==9)||(1&&(im[1].serves&1)))||(!(1)&&(im[1].serves&2)))))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][72] = 1;
		if (!((((int)now.im[1].is_up)&&(((((int)now.rule)==9)||(1&&(((int)now.im[1].serves)&1)))||( !(1)&&(((int)now.im[1].serves)&2))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 29: // STATE 73 - handshake.pml:448 - [sessions = (sessions+1)] (0:229:8 - 1)
		IfNotBlocked
		reached[2][73] = 1;
		(trpt+1)->bup.ovals = grab_ints(8);
		(trpt+1)->bup.ovals[0] = ((int)now.sessions);
		now.sessions = (((int)now.sessions)+1);
#ifdef VAR_RANGES
		logval("sessions", ((int)now.sessions));
#endif
		;
		/* merge: s[sessions].is_adv = 0(229, 74, 229) */
		reached[2][74] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv);
		now.s[ Index(now.sessions, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[sessions].is_adv", ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv));
#endif
		;
		/* merge: s[sessions].peer = 1(229, 75, 229) */
		reached[2][75] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.sessions), 4) ].peer);
		now.s[ Index(now.sessions, 4) ].peer = 1;
#ifdef VAR_RANGES
		logval("s[sessions].peer", ((int)now.s[ Index(((int)now.sessions), 4) ].peer));
#endif
		;
		/* merge: s[sessions].key = 1(229, 76, 229) */
		reached[2][76] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.sessions), 4) ].key);
		now.s[ Index(now.sessions, 4) ].key = 1;
#ifdef VAR_RANGES
		logval("s[sessions].key", ((int)now.s[ Index(((int)now.sessions), 4) ].key));
#endif
		;
		/* merge: s[sessions].serves = im[1].serves(229, 77, 229) */
		reached[2][77] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.sessions), 4) ].serves);
		now.s[ Index(now.sessions, 4) ].serves = ((int)now.im[1].serves);
#ifdef VAR_RANGES
		logval("s[sessions].serves", ((int)now.s[ Index(((int)now.sessions), 4) ].serves));
#endif
		;
		/* merge: s[sessions].has_client = 1(229, 78, 229) */
		reached[2][78] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_client);
		now.s[ Index(now.sessions, 4) ].has_client = 1;
#ifdef VAR_RANGES
		logval("s[sessions].has_client", ((int)now.s[ Index(((int)now.sessions), 4) ].has_client));
#endif
		;
		/* merge: s[sessions].has_image = (1!=0)(229, 79, 229) */
		reached[2][79] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_image);
		now.s[ Index(now.sessions, 4) ].has_image = (1!=0);
#ifdef VAR_RANGES
		logval("s[sessions].has_image", ((int)now.s[ Index(((int)now.sessions), 4) ].has_image));
#endif
		;
		/* merge: .(goto)(229, 108, 229) */
		reached[2][108] = 1;
		;
		/* merge: cur = sessions(229, 109, 229) */
		reached[2][109] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.cur);
		now.cur = ((int)now.sessions);
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 9 */
	case 30: // STATE 108 - handshake.pml:476 - [.(goto)] (0:229:1 - 4)
		IfNotBlocked
		reached[2][108] = 1;
		;
		/* merge: cur = sessions(229, 109, 229) */
		reached[2][109] = 1;
		(trpt+1)->bup.oval = ((int)now.cur);
		now.cur = ((int)now.sessions);
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 31: // STATE 81 - handshake.pml:472 - [((im[2].is_up&&(((rule==9)||(1&&(im[2].serves&1)))||(!(1)&&(im[2].serves&2)))))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][81] = 1;
		if (!((((int)now.im[2].is_up)&&(((((int)now.rule)==9)||(1&&(((int)now.im[2].serves)&1)))||( !(1)&&(((int)now.im[2].serves)&2))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 32: // STATE 82 - handshake.pml:448 - [sessions = (sessions+1)] (0:229:8 - 1)
		IfNotBlocked
		reached[2][82] = 1;
		(trpt+1)->bup.ovals = grab_ints(8);
		(trpt+1)->bup.ovals[0] = ((int)now.sessions);
		now.sessions = (((int)now.sessions)+1);
#ifdef VAR_RANGES
		logval("sessions", ((int)now.sessions));
#endif
		;
		/* merge: s[sessions].is_adv = 0(229, 83, 229) */
		reached[2][83] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv);
		now.s[ Index(now.sessions, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[sessions].is_adv", ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv));
#endif
		;
		/* merge: s[sessions].peer = 2(229, 84, 229) */
		reached[2][84] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.sessions), 4) ].peer);
		now.s[ Index(now.sessions, 4) ].peer = 2;
#ifdef VAR_RANGES
		logval("s[sessions].peer", ((int)now.s[ Index(((int)now.sessions), 4) ].peer));
#endif
		;
		/* merge: s[sessions].key = 2(229, 85, 229) */
		reached[2][85] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.sessions), 4) ].key);
		now.s[ Index(now.sessions, 4) ].key = 2;
#ifdef VAR_RANGES
		logval("s[sessions].key", ((int)now.s[ Index(((int)now.sessions), 4) ].key));
#endif
		;
		/* merge: s[sessions].serves = im[2].serves(229, 86, 229) */
		reached[2][86] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.sessions), 4) ].serves);
		now.s[ Index(now.sessions, 4) ].serves = ((int)now.im[2].serves);
#ifdef VAR_RANGES
		logval("s[sessions].serves", ((int)now.s[ Index(((int)now.sessions), 4) ].serves));
#endif
		;
		/* merge: s[sessions].has_client = 1(229, 87, 229) */
		reached[2][87] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_client);
		now.s[ Index(now.sessions, 4) ].has_client = 1;
#ifdef VAR_RANGES
		logval("s[sessions].has_client", ((int)now.s[ Index(((int)now.sessions), 4) ].has_client));
#endif
		;
		/* merge: s[sessions].has_image = (2!=0)(229, 88, 229) */
		reached[2][88] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_image);
		now.s[ Index(now.sessions, 4) ].has_image = (2!=0);
#ifdef VAR_RANGES
		logval("s[sessions].has_image", ((int)now.s[ Index(((int)now.sessions), 4) ].has_image));
#endif
		;
		/* merge: .(goto)(229, 108, 229) */
		reached[2][108] = 1;
		;
		/* merge: cur = sessions(229, 109, 229) */
		reached[2][109] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.cur);
		now.cur = ((int)now.sessions);
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 9 */
	case 33: // STATE 90 - handshake.pml:448 - [sessions = (sessions+1)] (0:229:8 - 1)
		IfNotBlocked
		reached[2][90] = 1;
		(trpt+1)->bup.ovals = grab_ints(8);
		(trpt+1)->bup.ovals[0] = ((int)now.sessions);
		now.sessions = (((int)now.sessions)+1);
#ifdef VAR_RANGES
		logval("sessions", ((int)now.sessions));
#endif
		;
		/* merge: s[sessions].is_adv = 0(229, 91, 229) */
		reached[2][91] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv);
		now.s[ Index(now.sessions, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[sessions].is_adv", ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv));
#endif
		;
		/* merge: s[sessions].peer = 0(229, 92, 229) */
		reached[2][92] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.sessions), 4) ].peer);
		now.s[ Index(now.sessions, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[sessions].peer", ((int)now.s[ Index(((int)now.sessions), 4) ].peer));
#endif
		;
		/* merge: s[sessions].key = 3(229, 93, 229) */
		reached[2][93] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.sessions), 4) ].key);
		now.s[ Index(now.sessions, 4) ].key = 3;
#ifdef VAR_RANGES
		logval("s[sessions].key", ((int)now.s[ Index(((int)now.sessions), 4) ].key));
#endif
		;
		/* merge: s[sessions].serves = im[0].serves(229, 94, 229) */
		reached[2][94] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.sessions), 4) ].serves);
		now.s[ Index(now.sessions, 4) ].serves = ((int)now.im[0].serves);
#ifdef VAR_RANGES
		logval("s[sessions].serves", ((int)now.s[ Index(((int)now.sessions), 4) ].serves));
#endif
		;
		/* merge: s[sessions].has_client = 1(229, 95, 229) */
		reached[2][95] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_client);
		now.s[ Index(now.sessions, 4) ].has_client = 1;
#ifdef VAR_RANGES
		logval("s[sessions].has_client", ((int)now.s[ Index(((int)now.sessions), 4) ].has_client));
#endif
		;
		/* merge: s[sessions].has_image = (0!=0)(229, 96, 229) */
		reached[2][96] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_image);
		now.s[ Index(now.sessions, 4) ].has_image = (0!=0);
#ifdef VAR_RANGES
		logval("s[sessions].has_image", ((int)now.s[ Index(((int)now.sessions), 4) ].has_image));
#endif
		;
		/* merge: .(goto)(229, 108, 229) */
		reached[2][108] = 1;
		;
		/* merge: cur = sessions(229, 109, 229) */
		reached[2][109] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.cur);
		now.cur = ((int)now.sessions);
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 9 */
	case 34: // STATE 98 - handshake.pml:474 - [((scenario==1))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][98] = 1;
		if (!((((int)now.scenario)==1)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 35: // STATE 99 - handshake.pml:448 - [sessions = (sessions+1)] (0:229:8 - 1)
		IfNotBlocked
		reached[2][99] = 1;
		(trpt+1)->bup.ovals = grab_ints(8);
		(trpt+1)->bup.ovals[0] = ((int)now.sessions);
		now.sessions = (((int)now.sessions)+1);
#ifdef VAR_RANGES
		logval("sessions", ((int)now.sessions));
#endif
		;
		/* merge: s[sessions].is_adv = 0(229, 100, 229) */
		reached[2][100] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv);
		now.s[ Index(now.sessions, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[sessions].is_adv", ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv));
#endif
		;
		/* merge: s[sessions].peer = 0(229, 101, 229) */
		reached[2][101] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.sessions), 4) ].peer);
		now.s[ Index(now.sessions, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[sessions].peer", ((int)now.s[ Index(((int)now.sessions), 4) ].peer));
#endif
		;
		/* merge: s[sessions].key = 1(229, 102, 229) */
		reached[2][102] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.sessions), 4) ].key);
		now.s[ Index(now.sessions, 4) ].key = 1;
#ifdef VAR_RANGES
		logval("s[sessions].key", ((int)now.s[ Index(((int)now.sessions), 4) ].key));
#endif
		;
		/* merge: s[sessions].serves = im[0].serves(229, 103, 229) */
		reached[2][103] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.sessions), 4) ].serves);
		now.s[ Index(now.sessions, 4) ].serves = ((int)now.im[0].serves);
#ifdef VAR_RANGES
		logval("s[sessions].serves", ((int)now.s[ Index(((int)now.sessions), 4) ].serves));
#endif
		;
		/* merge: s[sessions].has_client = 1(229, 104, 229) */
		reached[2][104] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_client);
		now.s[ Index(now.sessions, 4) ].has_client = 1;
#ifdef VAR_RANGES
		logval("s[sessions].has_client", ((int)now.s[ Index(((int)now.sessions), 4) ].has_client));
#endif
		;
		/* merge: s[sessions].has_image = (0!=0)(229, 105, 229) */
		reached[2][105] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_image);
		now.s[ Index(now.sessions, 4) ].has_image = (0!=0);
#ifdef VAR_RANGES
		logval("s[sessions].has_image", ((int)now.s[ Index(((int)now.sessions), 4) ].has_image));
#endif
		;
		/* merge: .(goto)(229, 108, 229) */
		reached[2][108] = 1;
		;
		/* merge: cur = sessions(229, 109, 229) */
		reached[2][109] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.cur);
		now.cur = ((int)now.sessions);
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 9 */
	case 36: // STATE 111 - handshake.pml:478 - [((((sessions<sessions_max)&&im[1].is_up)&&(((rule==9)||((scenario==1)&&(im[1].serves&1)))||((!(scenario)==1)&&(im[1].serves&2)))))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][111] = 1;
		if (!((((((int)now.sessions)<((int)now.sessions_max))&&((int)now.im[1].is_up))&&(((((int)now.rule)==9)||((((int)now.scenario)==1)&&(((int)now.im[1].serves)&1)))||(( !(((int)now.scenario))==1)&&(((int)now.im[1].serves)&2))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 37: // STATE 112 - handshake.pml:448 - [sessions = (sessions+1)] (0:229:7 - 1)
		IfNotBlocked
		reached[2][112] = 1;
		(trpt+1)->bup.ovals = grab_ints(7);
		(trpt+1)->bup.ovals[0] = ((int)now.sessions);
		now.sessions = (((int)now.sessions)+1);
#ifdef VAR_RANGES
		logval("sessions", ((int)now.sessions));
#endif
		;
		/* merge: s[sessions].is_adv = 1(229, 113, 229) */
		reached[2][113] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv);
		now.s[ Index(now.sessions, 4) ].is_adv = 1;
#ifdef VAR_RANGES
		logval("s[sessions].is_adv", ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv));
#endif
		;
		/* merge: s[sessions].peer = 1(229, 114, 229) */
		reached[2][114] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.sessions), 4) ].peer);
		now.s[ Index(now.sessions, 4) ].peer = 1;
#ifdef VAR_RANGES
		logval("s[sessions].peer", ((int)now.s[ Index(((int)now.sessions), 4) ].peer));
#endif
		;
		/* merge: s[sessions].key = 1(229, 115, 229) */
		reached[2][115] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.sessions), 4) ].key);
		now.s[ Index(now.sessions, 4) ].key = 1;
#ifdef VAR_RANGES
		logval("s[sessions].key", ((int)now.s[ Index(((int)now.sessions), 4) ].key));
#endif
		;
		/* merge: s[sessions].serves = im[1].serves(229, 116, 229) */
		reached[2][116] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.sessions), 4) ].serves);
		now.s[ Index(now.sessions, 4) ].serves = ((int)now.im[1].serves);
#ifdef VAR_RANGES
		logval("s[sessions].serves", ((int)now.s[ Index(((int)now.sessions), 4) ].serves));
#endif
		;
		/* merge: s[sessions].has_client = 1(229, 117, 229) */
		reached[2][117] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_client);
		now.s[ Index(now.sessions, 4) ].has_client = 1;
#ifdef VAR_RANGES
		logval("s[sessions].has_client", ((int)now.s[ Index(((int)now.sessions), 4) ].has_client));
#endif
		;
		/* merge: s[sessions].has_image = (1!=0)(229, 118, 229) */
		reached[2][118] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_image);
		now.s[ Index(now.sessions, 4) ].has_image = (1!=0);
#ifdef VAR_RANGES
		logval("s[sessions].has_image", ((int)now.s[ Index(((int)now.sessions), 4) ].has_image));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 7 */
	case 38: // STATE 121 - handshake.pml:479 - [((((sessions<sessions_max)&&im[2].is_up)&&(((rule==9)||((scenario==1)&&(im[2].serves&1)))||((!(scenario)==1)&&(im[2].serves&2)))))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][121] = 1;
		if (!((((((int)now.sessions)<((int)now.sessions_max))&&((int)now.im[2].is_up))&&(((((int)now.rule)==9)||((((int)now.scenario)==1)&&(((int)now.im[2].serves)&1)))||(( !(((int)now.scenario))==1)&&(((int)now.im[2].serves)&2))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 39: // STATE 122 - handshake.pml:448 - [sessions = (sessions+1)] (0:229:7 - 1)
		IfNotBlocked
		reached[2][122] = 1;
		(trpt+1)->bup.ovals = grab_ints(7);
		(trpt+1)->bup.ovals[0] = ((int)now.sessions);
		now.sessions = (((int)now.sessions)+1);
#ifdef VAR_RANGES
		logval("sessions", ((int)now.sessions));
#endif
		;
		/* merge: s[sessions].is_adv = 1(229, 123, 229) */
		reached[2][123] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv);
		now.s[ Index(now.sessions, 4) ].is_adv = 1;
#ifdef VAR_RANGES
		logval("s[sessions].is_adv", ((int)now.s[ Index(((int)now.sessions), 4) ].is_adv));
#endif
		;
		/* merge: s[sessions].peer = 2(229, 124, 229) */
		reached[2][124] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.sessions), 4) ].peer);
		now.s[ Index(now.sessions, 4) ].peer = 2;
#ifdef VAR_RANGES
		logval("s[sessions].peer", ((int)now.s[ Index(((int)now.sessions), 4) ].peer));
#endif
		;
		/* merge: s[sessions].key = 2(229, 125, 229) */
		reached[2][125] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.sessions), 4) ].key);
		now.s[ Index(now.sessions, 4) ].key = 2;
#ifdef VAR_RANGES
		logval("s[sessions].key", ((int)now.s[ Index(((int)now.sessions), 4) ].key));
#endif
		;
		/* merge: s[sessions].serves = im[2].serves(229, 126, 229) */
		reached[2][126] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.sessions), 4) ].serves);
		now.s[ Index(now.sessions, 4) ].serves = ((int)now.im[2].serves);
#ifdef VAR_RANGES
		logval("s[sessions].serves", ((int)now.s[ Index(((int)now.sessions), 4) ].serves));
#endif
		;
		/* merge: s[sessions].has_client = 1(229, 127, 229) */
		reached[2][127] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_client);
		now.s[ Index(now.sessions, 4) ].has_client = 1;
#ifdef VAR_RANGES
		logval("s[sessions].has_client", ((int)now.s[ Index(((int)now.sessions), 4) ].has_client));
#endif
		;
		/* merge: s[sessions].has_image = (2!=0)(229, 128, 229) */
		reached[2][128] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.sessions), 4) ].has_image);
		now.s[ Index(now.sessions, 4) ].has_image = (2!=0);
#ifdef VAR_RANGES
		logval("s[sessions].has_image", ((int)now.s[ Index(((int)now.sessions), 4) ].has_image));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 7 */
	case 40: // STATE 131 - handshake.pml:482 - [(((((s[1].is_adv&&s[1].has_image)&&((s[1].what==0)||(s[1].what>=4)))||((s[2].is_adv&&s[2].has_image)&&((s[2].what==0)||(s[2].what>=4))))||((s[3].is_adv&&s[3].has_image)&&((s[3].what==0)||(s[3].what>=4)))))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][131] = 1;
		if (!(((((((int)now.s[1].is_adv)&&((int)now.s[1].has_image))&&((((int)now.s[1].what)==0)||(((int)now.s[1].what)>=4)))||((((int)now.s[2].is_adv)&&((int)now.s[2].has_image))&&((((int)now.s[2].what)==0)||(((int)now.s[2].what)>=4))))||((((int)now.s[3].is_adv)&&((int)now.s[3].has_image))&&((((int)now.s[3].what)==0)||(((int)now.s[3].what)>=4))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 41: // STATE 132 - handshake.pml:484 - [(((s[1].is_adv&&s[1].has_image)&&((s[1].what==0)||(s[1].what>=4))))] (186:0:1 - 1)
		IfNotBlocked
		reached[2][132] = 1;
		if (!(((((int)now.s[1].is_adv)&&((int)now.s[1].has_image))&&((((int)now.s[1].what)==0)||(((int)now.s[1].what)>=4)))))
			continue;
		/* merge: x = 1(0, 133, 186) */
		reached[2][133] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = 1;
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 139, 186) */
		reached[2][139] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 42: // STATE 134 - handshake.pml:485 - [(((s[2].is_adv&&s[2].has_image)&&((s[2].what==0)||(s[2].what>=4))))] (186:0:1 - 1)
		IfNotBlocked
		reached[2][134] = 1;
		if (!(((((int)now.s[2].is_adv)&&((int)now.s[2].has_image))&&((((int)now.s[2].what)==0)||(((int)now.s[2].what)>=4)))))
			continue;
		/* merge: x = 2(0, 135, 186) */
		reached[2][135] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = 2;
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 139, 186) */
		reached[2][139] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 43: // STATE 136 - handshake.pml:486 - [(((s[3].is_adv&&s[3].has_image)&&((s[3].what==0)||(s[3].what>=4))))] (186:0:1 - 1)
		IfNotBlocked
		reached[2][136] = 1;
		if (!(((((int)now.s[3].is_adv)&&((int)now.s[3].has_image))&&((((int)now.s[3].what)==0)||(((int)now.s[3].what)>=4)))))
			continue;
		/* merge: x = 3(0, 137, 186) */
		reached[2][137] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = 3;
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 139, 186) */
		reached[2][139] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 44: // STATE 140 - handshake.pml:489 - [((((cur!=0)&&(s[cur].peer==0))&&(s[cur].what==1)))] (229:0:3 - 1)
		IfNotBlocked
		reached[2][140] = 1;
		if (!((((((int)now.cur)!=0)&&(((int)now.s[ Index(((int)now.cur), 4) ].peer)==0))&&(((int)now.s[ Index(((int)now.cur), 4) ].what)==1))))
			continue;
		/* merge: s[x].what = 1(229, 141, 229) */
		reached[2][141] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].what);
		now.s[ Index(((P2 *)_this)->x, 4) ].what = 1;
#ifdef VAR_RANGES
		logval("s[host:x].what", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].a = nonce(229, 142, 229) */
		reached[2][142] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].a);
		now.s[ Index(((P2 *)_this)->x, 4) ].a = ((int)now.nonce);
#ifdef VAR_RANGES
		logval("s[host:x].a", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: .(goto)(229, 187, 229) */
		reached[2][187] = 1;
		;
		/* merge: x = 0(229, 188, 229) */
		reached[2][188] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 5 */
	case 45: // STATE 187 - handshake.pml:494 - [.(goto)] (0:229:1 - 6)
		IfNotBlocked
		reached[2][187] = 1;
		;
		/* merge: x = 0(229, 188, 229) */
		reached[2][188] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 46: // STATE 143 - handshake.pml:490 - [(((scenario!=1)&&(im[s[x].peer].version==0)))] (229:0:4 - 1)
		IfNotBlocked
		reached[2][143] = 1;
		if (!(((((int)now.scenario)!=1)&&(((int)now.im[ Index(((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].peer), 3) ].version)==0))))
			continue;
		/* merge: s[x].what = 2(229, 144, 229) */
		reached[2][144] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].what);
		now.s[ Index(((P2 *)_this)->x, 4) ].what = 2;
#ifdef VAR_RANGES
		logval("s[host:x].what", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].a = 2(229, 145, 229) */
		reached[2][145] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].a);
		now.s[ Index(((P2 *)_this)->x, 4) ].a = 2;
#ifdef VAR_RANGES
		logval("s[host:x].a", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: s[x].b = 1(229, 146, 229) */
		reached[2][146] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].b);
		now.s[ Index(((P2 *)_this)->x, 4) ].b = 1;
#ifdef VAR_RANGES
		logval("s[host:x].b", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].b));
#endif
		;
		/* merge: .(goto)(229, 187, 229) */
		reached[2][187] = 1;
		;
		/* merge: x = 0(229, 188, 229) */
		reached[2][188] = 1;
		(trpt+1)->bup.ovals[3] = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 6 */
	case 47: // STATE 147 - handshake.pml:491 - [(((scenario!=1)&&!(im[s[x].peer].has_foreign)))] (229:0:3 - 1)
		IfNotBlocked
		reached[2][147] = 1;
		if (!(((((int)now.scenario)!=1)&& !(((int)now.im[ Index(((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].peer), 3) ].has_foreign)))))
			continue;
		/* merge: s[x].what = 3(229, 148, 229) */
		reached[2][148] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].what);
		now.s[ Index(((P2 *)_this)->x, 4) ].what = 3;
#ifdef VAR_RANGES
		logval("s[host:x].what", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].a = 0(229, 149, 229) */
		reached[2][149] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].a);
		now.s[ Index(((P2 *)_this)->x, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[host:x].a", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: .(goto)(229, 187, 229) */
		reached[2][187] = 1;
		;
		/* merge: x = 0(229, 188, 229) */
		reached[2][188] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 5 */
	case 48: // STATE 150 - handshake.pml:159 - [s[x].has_client = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[2][150] = 1;
		(trpt+1)->bup.oval = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].has_client);
		now.s[ Index(((P2 *)_this)->x, 4) ].has_client = 0;
#ifdef VAR_RANGES
		logval("s[host:x].has_client", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].has_client));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 49: // STATE 151 - handshake.pml:161 - [(!(s[x].has_image))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][151] = 1;
		if (!( !(((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].has_image))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 50: // STATE 152 - handshake.pml:148 - [s[x].what = 0] (0:185:10 - 1)
		IfNotBlocked
		reached[2][152] = 1;
		(trpt+1)->bup.ovals = grab_ints(10);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].what);
		now.s[ Index(((P2 *)_this)->x, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[host:x].what", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].a = 0(185, 153, 185) */
		reached[2][153] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].a);
		now.s[ Index(((P2 *)_this)->x, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[host:x].a", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: s[x].b = 0(185, 154, 185) */
		reached[2][154] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].b);
		now.s[ Index(((P2 *)_this)->x, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[host:x].b", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].b));
#endif
		;
		/* merge: s[x].version = 0(185, 155, 185) */
		reached[2][155] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].version);
		now.s[ Index(((P2 *)_this)->x, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[host:x].version", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].version));
#endif
		;
		/* merge: s[x].id = 0(185, 156, 185) */
		reached[2][156] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].id);
		now.s[ Index(((P2 *)_this)->x, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[host:x].id", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].id));
#endif
		;
		/* merge: s[x].epoch = 0(185, 157, 185) */
		reached[2][157] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].epoch);
		now.s[ Index(((P2 *)_this)->x, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[host:x].epoch", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].epoch));
#endif
		;
		/* merge: s[x].key = 0(185, 159, 185) */
		reached[2][159] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].key);
		now.s[ Index(((P2 *)_this)->x, 4) ].key = 0;
#ifdef VAR_RANGES
		logval("s[host:x].key", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].key));
#endif
		;
		/* merge: s[x].peer = 0(185, 160, 185) */
		reached[2][160] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].peer);
		now.s[ Index(((P2 *)_this)->x, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[host:x].peer", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].peer));
#endif
		;
		/* merge: s[x].serves = 0(185, 161, 185) */
		reached[2][161] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].serves);
		now.s[ Index(((P2 *)_this)->x, 4) ].serves = 0;
#ifdef VAR_RANGES
		logval("s[host:x].serves", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].serves));
#endif
		;
		/* merge: s[x].is_adv = 0(185, 162, 185) */
		reached[2][162] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].is_adv);
		now.s[ Index(((P2 *)_this)->x, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[host:x].is_adv", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].is_adv));
#endif
		;
		/* merge: .(goto)(0, 166, 185) */
		reached[2][166] = 1;
		;
		_m = 3; goto P999; /* 10 */
	case 51: // STATE 168 - handshake.pml:167 - [s[x].has_image = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[2][168] = 1;
		(trpt+1)->bup.oval = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].has_image);
		now.s[ Index(((P2 *)_this)->x, 4) ].has_image = 0;
#ifdef VAR_RANGES
		logval("s[host:x].has_image", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].has_image));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 52: // STATE 169 - handshake.pml:169 - [(!(s[x].has_client))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][169] = 1;
		if (!( !(((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].has_client))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 53: // STATE 170 - handshake.pml:148 - [s[x].what = 0] (0:229:11 - 1)
		IfNotBlocked
		reached[2][170] = 1;
		(trpt+1)->bup.ovals = grab_ints(11);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].what);
		now.s[ Index(((P2 *)_this)->x, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[host:x].what", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].a = 0(229, 171, 229) */
		reached[2][171] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].a);
		now.s[ Index(((P2 *)_this)->x, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[host:x].a", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: s[x].b = 0(229, 172, 229) */
		reached[2][172] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].b);
		now.s[ Index(((P2 *)_this)->x, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[host:x].b", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].b));
#endif
		;
		/* merge: s[x].version = 0(229, 173, 229) */
		reached[2][173] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].version);
		now.s[ Index(((P2 *)_this)->x, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[host:x].version", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].version));
#endif
		;
		/* merge: s[x].id = 0(229, 174, 229) */
		reached[2][174] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].id);
		now.s[ Index(((P2 *)_this)->x, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[host:x].id", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].id));
#endif
		;
		/* merge: s[x].epoch = 0(229, 175, 229) */
		reached[2][175] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].epoch);
		now.s[ Index(((P2 *)_this)->x, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[host:x].epoch", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].epoch));
#endif
		;
		/* merge: s[x].key = 0(229, 177, 229) */
		reached[2][177] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].key);
		now.s[ Index(((P2 *)_this)->x, 4) ].key = 0;
#ifdef VAR_RANGES
		logval("s[host:x].key", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].key));
#endif
		;
		/* merge: s[x].peer = 0(229, 178, 229) */
		reached[2][178] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].peer);
		now.s[ Index(((P2 *)_this)->x, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[host:x].peer", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].peer));
#endif
		;
		/* merge: s[x].serves = 0(229, 179, 229) */
		reached[2][179] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].serves);
		now.s[ Index(((P2 *)_this)->x, 4) ].serves = 0;
#ifdef VAR_RANGES
		logval("s[host:x].serves", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].serves));
#endif
		;
		/* merge: s[x].is_adv = 0(229, 180, 229) */
		reached[2][180] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].is_adv);
		now.s[ Index(((P2 *)_this)->x, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[host:x].is_adv", ((int)now.s[ Index(((int)((P2 *)_this)->x), 4) ].is_adv));
#endif
		;
		/* merge: .(goto)(229, 184, 229) */
		reached[2][184] = 1;
		;
		/* merge: .(goto)(229, 187, 229) */
		reached[2][187] = 1;
		;
		/* merge: x = 0(229, 188, 229) */
		reached[2][188] = 1;
		(trpt+1)->bup.ovals[10] = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 13 */
	case 54: // STATE 190 - handshake.pml:496 - [(((((cur!=0)&&(s[cur].peer==0))&&(s[cur].what>=1))&&(s[cur].what<=3)))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][190] = 1;
		if (!(((((((int)now.cur)!=0)&&(((int)now.s[ Index(((int)now.cur), 4) ].peer)==0))&&(((int)now.s[ Index(((int)now.cur), 4) ].what)>=1))&&(((int)now.s[ Index(((int)now.cur), 4) ].what)<=3))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 55: // STATE 191 - handshake.pml:498 - [((s[cur].what==1))] (229:0:2 - 1)
		IfNotBlocked
		reached[2][191] = 1;
		if (!((((int)now.s[ Index(((int)now.cur), 4) ].what)==1)))
			continue;
		/* merge: s[cur].what = 4(229, 192, 229) */
		reached[2][192] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 4;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(229, 193, 229) */
		reached[2][193] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: .(goto)(229, 203, 229) */
		reached[2][203] = 1;
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 56: // STATE 203 - handshake.pml:501 - [.(goto)] (0:229:0 - 3)
		IfNotBlocked
		reached[2][203] = 1;
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 1 */
	case 57: // STATE 194 - handshake.pml:499 - [((s[cur].what==2))] (229:0:4 - 1)
		IfNotBlocked
		reached[2][194] = 1;
		if (!((((int)now.s[ Index(((int)now.cur), 4) ].what)==2)))
			continue;
		/* merge: s[cur].what = 5(229, 195, 229) */
		reached[2][195] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 5;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 2(229, 196, 229) */
		reached[2][196] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 2;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(229, 197, 229) */
		reached[2][197] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].id = 1(229, 198, 229) */
		reached[2][198] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 1;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: .(goto)(229, 203, 229) */
		reached[2][203] = 1;
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 6 */
	case 58: // STATE 199 - handshake.pml:500 - [((s[cur].what==3))] (229:0:2 - 1)
		IfNotBlocked
		reached[2][199] = 1;
		if (!((((int)now.s[ Index(((int)now.cur), 4) ].what)==3)))
			continue;
		/* merge: s[cur].what = 5(229, 200, 229) */
		reached[2][200] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 5;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 3(229, 201, 229) */
		reached[2][201] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 3;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: .(goto)(229, 203, 229) */
		reached[2][203] = 1;
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 59: // STATE 205 - handshake.pml:503 - [((quotes>0))] (0:0:0 - 1)
		IfNotBlocked
		reached[2][205] = 1;
		if (!((((int)now.quotes)>0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 60: // STATE 206 - handshake.pml:505 - [((rule==2))] (216:0:1 - 1)
		IfNotBlocked
		reached[2][206] = 1;
		if (!((((int)now.rule)==2)))
			continue;
		/* merge: i = 3(0, 207, 216) */
		reached[2][207] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->i);
		((P2 *)_this)->i = 3;
#ifdef VAR_RANGES
		logval("host:i", ((int)((P2 *)_this)->i));
#endif
		;
		/* merge: .(goto)(0, 211, 216) */
		reached[2][211] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 61: // STATE 209 - handshake.pml:506 - [i = q[0].key] (0:0:1 - 1)
		IfNotBlocked
		reached[2][209] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->i);
		((P2 *)_this)->i = ((int)now.q[0].key);
#ifdef VAR_RANGES
		logval("host:i", ((int)((P2 *)_this)->i));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 62: // STATE 212 - handshake.pml:509 - [((rule==5))] (223:0:1 - 1)
		IfNotBlocked
		reached[2][212] = 1;
		if (!((((int)now.rule)==5)))
			continue;
		/* merge: x = (3-q[0].version)(0, 213, 223) */
		reached[2][213] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = (3-((int)now.q[0].version));
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 217, 223) */
		reached[2][217] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 63: // STATE 215 - handshake.pml:510 - [x = q[0].version] (0:0:1 - 1)
		IfNotBlocked
		reached[2][215] = 1;
		(trpt+1)->bup.oval = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = ((int)now.q[0].version);
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 64: // STATE 218 - handshake.pml:512 - [(((i==q[0].key)&&(x==q[0].version)))] (0:0:2 - 1)
		IfNotBlocked
		reached[2][218] = 1;
		if (!(((((int)((P2 *)_this)->i)==((int)now.q[0].key))&&(((int)((P2 *)_this)->x)==((int)now.q[0].version)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 65: // STATE 221 - handshake.pml:512 - [broken = 3] (0:225:1 - 1)
		IfNotBlocked
		reached[2][221] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 3;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=3))(225, 222, 225) */
		reached[2][222] = 1;
		spin_assert((((int)now.broken)!=3), "(broken!=3)", II, tt, t);
		/* merge: .(goto)(0, 224, 225) */
		reached[2][224] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 66: // STATE 225 - handshake.pml:512 - [{c_code13}] (0:0:0 - 3)
		IfNotBlocked
		reached[2][225] = 1;
		/* c_code13 */
		{ 
		sv_save(); came_to[10]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 67: // STATE 226 - handshake.pml:513 - [i = 0] (0:229:2 - 1)
		IfNotBlocked
		reached[2][226] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P2 *)_this)->i);
		((P2 *)_this)->i = 0;
#ifdef VAR_RANGES
		logval("host:i", ((int)((P2 *)_this)->i));
#endif
		;
		/* merge: x = 0(229, 227, 229) */
		reached[2][227] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P2 *)_this)->x);
		((P2 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("host:x", ((int)((P2 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 230, 229) */
		reached[2][230] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 68: // STATE 232 - handshake.pml:515 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[2][232] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */

		 /* PROC image */
	case 69: // STATE 1 - handshake.pml:387 - [(((((((im[i].is_up&&(s[1].peer==i))&&s[1].has_image)&&(s[1].what>=1))&&(s[1].what<=3))||((((im[i].is_up&&(s[2].peer==i))&&s[2].has_image)&&(s[2].what>=1))&&(s[2].what<=3)))||((((im[i].is_up&&(s[3].peer==i))&&s[3].has_image)&&(s[3].what>=1))&&(s[3].what<=3))))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][1] = 1;
		if (!(((((((((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].is_up)&&(((int)now.s[1].peer)==((int)((P1 *)_this)->i)))&&((int)now.s[1].has_image))&&(((int)now.s[1].what)>=1))&&(((int)now.s[1].what)<=3))||((((((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].is_up)&&(((int)now.s[2].peer)==((int)((P1 *)_this)->i)))&&((int)now.s[2].has_image))&&(((int)now.s[2].what)>=1))&&(((int)now.s[2].what)<=3)))||((((((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].is_up)&&(((int)now.s[3].peer)==((int)((P1 *)_this)->i)))&&((int)now.s[3].has_image))&&(((int)now.s[3].what)>=1))&&(((int)now.s[3].what)<=3)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 70: // STATE 2 - handshake.pml:389 - [(((((im[i].is_up&&(s[1].peer==i))&&s[1].has_image)&&(s[1].what>=1))&&(s[1].what<=3)))] (95:0:1 - 1)
		IfNotBlocked
		reached[1][2] = 1;
		if (!(((((((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].is_up)&&(((int)now.s[1].peer)==((int)((P1 *)_this)->i)))&&((int)now.s[1].has_image))&&(((int)now.s[1].what)>=1))&&(((int)now.s[1].what)<=3))))
			continue;
		/* merge: x = 1(0, 3, 95) */
		reached[1][3] = 1;
		(trpt+1)->bup.oval = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 1;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 9, 95) */
		reached[1][9] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 71: // STATE 4 - handshake.pml:390 - [(((((im[i].is_up&&(s[2].peer==i))&&s[2].has_image)&&(s[2].what>=1))&&(s[2].what<=3)))] (95:0:1 - 1)
		IfNotBlocked
		reached[1][4] = 1;
		if (!(((((((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].is_up)&&(((int)now.s[2].peer)==((int)((P1 *)_this)->i)))&&((int)now.s[2].has_image))&&(((int)now.s[2].what)>=1))&&(((int)now.s[2].what)<=3))))
			continue;
		/* merge: x = 2(0, 5, 95) */
		reached[1][5] = 1;
		(trpt+1)->bup.oval = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 2;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 9, 95) */
		reached[1][9] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 72: // STATE 6 - handshake.pml:391 - [(((((im[i].is_up&&(s[3].peer==i))&&s[3].has_image)&&(s[3].what>=1))&&(s[3].what<=3)))] (95:0:1 - 1)
		IfNotBlocked
		reached[1][6] = 1;
		if (!(((((((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].is_up)&&(((int)now.s[3].peer)==((int)((P1 *)_this)->i)))&&((int)now.s[3].has_image))&&(((int)now.s[3].what)>=1))&&(((int)now.s[3].what)<=3))))
			continue;
		/* merge: x = 3(0, 7, 95) */
		reached[1][7] = 1;
		(trpt+1)->bup.oval = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 3;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 9, 95) */
		reached[1][9] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 73: // STATE 10 - handshake.pml:394 - [((s[x].what==1))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][10] = 1;
		if (!((((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what)==1)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 74: // STATE 11 - handshake.pml:335 - [((quotes<3))] (115:0:12 - 1)
		IfNotBlocked
		reached[1][11] = 1;
		if (!((((int)now.quotes)<3)))
			continue;
		/* merge: q[quotes].exporter = x(115, 12, 115) */
		reached[1][12] = 1;
		(trpt+1)->bup.ovals = grab_ints(12);
		(trpt+1)->bup.ovals[0] = ((int)now.q[ Index(((int)now.quotes), 3) ].exporter);
		now.q[ Index(now.quotes, 3) ].exporter = ((int)((P1 *)_this)->x);
#ifdef VAR_RANGES
		logval("q[quotes].exporter", ((int)now.q[ Index(((int)now.quotes), 3) ].exporter));
#endif
		;
		/* merge: q[quotes].key = i(115, 13, 115) */
		reached[1][13] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.q[ Index(((int)now.quotes), 3) ].key);
		now.q[ Index(now.quotes, 3) ].key = ((int)((P1 *)_this)->i);
#ifdef VAR_RANGES
		logval("q[quotes].key", ((int)now.q[ Index(((int)now.quotes), 3) ].key));
#endif
		;
		/* merge: q[quotes].serves = im[i].serves(115, 14, 115) */
		reached[1][14] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.q[ Index(((int)now.quotes), 3) ].serves);
		now.q[ Index(now.quotes, 3) ].serves = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].serves);
#ifdef VAR_RANGES
		logval("q[quotes].serves", ((int)now.q[ Index(((int)now.quotes), 3) ].serves));
#endif
		;
		/* merge: q[quotes].version = im[i].version(115, 15, 115) */
		reached[1][15] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.q[ Index(((int)now.quotes), 3) ].version);
		now.q[ Index(now.quotes, 3) ].version = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version);
#ifdef VAR_RANGES
		logval("q[quotes].version", ((int)now.q[ Index(((int)now.quotes), 3) ].version));
#endif
		;
		/* merge: q[quotes].nonce = s[x].a(115, 16, 115) */
		reached[1][16] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.q[ Index(((int)now.quotes), 3) ].nonce);
		now.q[ Index(now.quotes, 3) ].nonce = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
#ifdef VAR_RANGES
		logval("q[quotes].nonce", ((int)now.q[ Index(((int)now.quotes), 3) ].nonce));
#endif
		;
		/* merge: quotes = (quotes+1)(115, 17, 115) */
		reached[1][17] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.quotes);
		now.quotes = (((int)now.quotes)+1);
#ifdef VAR_RANGES
		logval("quotes", ((int)now.quotes));
#endif
		;
		/* merge: .(goto)(115, 20, 115) */
		reached[1][20] = 1;
		;
		/* merge: s[x].what = 4(115, 21, 115) */
		reached[1][21] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what);
		now.s[ Index(((P1 *)_this)->x, 4) ].what = 4;
#ifdef VAR_RANGES
		logval("s[image:x].what", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].version = im[i].version(115, 22, 115) */
		reached[1][22] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].version);
		now.s[ Index(((P1 *)_this)->x, 4) ].version = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version);
#ifdef VAR_RANGES
		logval("s[image:x].version", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].version));
#endif
		;
		/* merge: s[x].id = im[i].id(115, 23, 115) */
		reached[1][23] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].id);
		now.s[ Index(((P1 *)_this)->x, 4) ].id = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].id);
#ifdef VAR_RANGES
		logval("s[image:x].id", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].id));
#endif
		;
		/* merge: s[x].epoch = im[i].epoch(115, 24, 115) */
		reached[1][24] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].epoch);
		now.s[ Index(((P1 *)_this)->x, 4) ].epoch = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].epoch);
#ifdef VAR_RANGES
		logval("s[image:x].epoch", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].epoch));
#endif
		;
		/* merge: s[x].a = 0(115, 25, 115) */
		reached[1][25] = 1;
		(trpt+1)->bup.ovals[10] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
		now.s[ Index(((P1 *)_this)->x, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[image:x].a", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: .(goto)(115, 96, 115) */
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.ovals[11] = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 15 */
	case 75: // STATE 21 - handshake.pml:340 - [s[x].what = 4] (0:115:6 - 3)
		IfNotBlocked
		reached[1][21] = 1;
		(trpt+1)->bup.ovals = grab_ints(6);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what);
		now.s[ Index(((P1 *)_this)->x, 4) ].what = 4;
#ifdef VAR_RANGES
		logval("s[image:x].what", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].version = im[i].version(115, 22, 115) */
		reached[1][22] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].version);
		now.s[ Index(((P1 *)_this)->x, 4) ].version = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version);
#ifdef VAR_RANGES
		logval("s[image:x].version", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].version));
#endif
		;
		/* merge: s[x].id = im[i].id(115, 23, 115) */
		reached[1][23] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].id);
		now.s[ Index(((P1 *)_this)->x, 4) ].id = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].id);
#ifdef VAR_RANGES
		logval("s[image:x].id", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].id));
#endif
		;
		/* merge: s[x].epoch = im[i].epoch(115, 24, 115) */
		reached[1][24] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].epoch);
		now.s[ Index(((P1 *)_this)->x, 4) ].epoch = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].epoch);
#ifdef VAR_RANGES
		logval("s[image:x].epoch", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].epoch));
#endif
		;
		/* merge: s[x].a = 0(115, 25, 115) */
		reached[1][25] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
		now.s[ Index(((P1 *)_this)->x, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[image:x].a", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: .(goto)(115, 96, 115) */
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.ovals[5] = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 7 */
	case 76: // STATE 96 - handshake.pml:398 - [.(goto)] (0:115:1 - 5)
		IfNotBlocked
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.oval = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 77: // STATE 27 - handshake.pml:395 - [((s[x].what==2))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][27] = 1;
		if (!((((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what)==2)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 78: // STATE 28 - handshake.pml:347 - [((((s[x].a<im[i].version)||(s[x].b<=im[i].epoch))&&!((rule==12))))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][28] = 1;
		if (!((((((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a)<((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version))||(((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].b)<=((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].epoch)))&& !((((int)now.rule)==12)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 79: // STATE 29 - handshake.pml:348 - [{c_code10}] (0:0:0 - 1)
		IfNotBlocked
		reached[1][29] = 1;
		/* c_code10 */
		{ 
		sv_save(); came_to[7]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 80: // STATE 30 - handshake.pml:348 - [s[x].what = 6] (0:115:2 - 1)
		IfNotBlocked
		reached[1][30] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what);
		now.s[ Index(((P1 *)_this)->x, 4) ].what = 6;
#ifdef VAR_RANGES
		logval("s[image:x].what", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: .(goto)(115, 55, 115) */
		reached[1][55] = 1;
		;
		/* merge: .(goto)(115, 96, 115) */
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 81: // STATE 32 - handshake.pml:350 - [((s[x].is_adv||(s[x].a>=im[i].version)))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][32] = 1;
		if (!((((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].is_adv)||(((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a)>=((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 82: // STATE 33 - handshake.pml:350 - [(1)] (49:0:2 - 1)
		IfNotBlocked
		reached[1][33] = 1;
		if (!(1))
			continue;
		/* merge: .(goto)(49, 38, 49) */
		reached[1][38] = 1;
		;
		/* merge: im[i].version = s[x].a(49, 39, 49) */
		reached[1][39] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version);
		now.im[ Index(((P1 *)_this)->i, 3) ].version = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
#ifdef VAR_RANGES
		logval("im[image:i].version", ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version));
#endif
		;
		/* merge: im[i].epoch = s[x].b(49, 40, 49) */
		reached[1][40] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].epoch);
		now.im[ Index(((P1 *)_this)->i, 3) ].epoch = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].b);
#ifdef VAR_RANGES
		logval("im[image:i].epoch", ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].epoch));
#endif
		;
		_m = 3; goto P999; /* 3 */
	case 83: // STATE 35 - handshake.pml:350 - [broken = 5] (0:49:3 - 1)
		IfNotBlocked
		reached[1][35] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.broken);
		now.broken = 5;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=5))(49, 36, 49) */
		reached[1][36] = 1;
		spin_assert((((int)now.broken)!=5), "(broken!=5)", II, tt, t);
		/* merge: .(goto)(49, 38, 49) */
		reached[1][38] = 1;
		;
		/* merge: im[i].version = s[x].a(49, 39, 49) */
		reached[1][39] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version);
		now.im[ Index(((P1 *)_this)->i, 3) ].version = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
#ifdef VAR_RANGES
		logval("im[image:i].version", ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version));
#endif
		;
		/* merge: im[i].epoch = s[x].b(49, 40, 49) */
		reached[1][40] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].epoch);
		now.im[ Index(((P1 *)_this)->i, 3) ].epoch = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].b);
#ifdef VAR_RANGES
		logval("im[image:i].epoch", ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].epoch));
#endif
		;
		_m = 3; goto P999; /* 4 */
	case 84: // STATE 39 - handshake.pml:351 - [im[i].version = s[x].a] (0:49:2 - 3)
		IfNotBlocked
		reached[1][39] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version);
		now.im[ Index(((P1 *)_this)->i, 3) ].version = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
#ifdef VAR_RANGES
		logval("im[image:i].version", ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version));
#endif
		;
		/* merge: im[i].epoch = s[x].b(49, 40, 49) */
		reached[1][40] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].epoch);
		now.im[ Index(((P1 *)_this)->i, 3) ].epoch = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].b);
#ifdef VAR_RANGES
		logval("im[image:i].epoch", ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].epoch));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 85: // STATE 41 - handshake.pml:323 - [((sealed<2))] (115:0:9 - 1)
		IfNotBlocked
		reached[1][41] = 1;
		if (!((((int)now.sealed)<2)))
			continue;
		/* merge: blobs[sealed].id = im[i].id(115, 42, 115) */
		reached[1][42] = 1;
		(trpt+1)->bup.ovals = grab_ints(9);
		(trpt+1)->bup.ovals[0] = ((int)now.blobs[ Index(((int)now.sealed), 2) ].id);
		now.blobs[ Index(now.sealed, 2) ].id = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].id);
#ifdef VAR_RANGES
		logval("blobs[sealed].id", ((int)now.blobs[ Index(((int)now.sealed), 2) ].id));
#endif
		;
		/* merge: blobs[sealed].epoch = im[i].epoch(115, 43, 115) */
		reached[1][43] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.blobs[ Index(((int)now.sealed), 2) ].epoch);
		now.blobs[ Index(now.sealed, 2) ].epoch = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].epoch);
#ifdef VAR_RANGES
		logval("blobs[sealed].epoch", ((int)now.blobs[ Index(((int)now.sealed), 2) ].epoch));
#endif
		;
		/* merge: blobs[sealed].version = im[i].version(115, 44, 115) */
		reached[1][44] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.blobs[ Index(((int)now.sealed), 2) ].version);
		now.blobs[ Index(now.sealed, 2) ].version = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].version);
#ifdef VAR_RANGES
		logval("blobs[sealed].version", ((int)now.blobs[ Index(((int)now.sealed), 2) ].version));
#endif
		;
		/* merge: sealed = (sealed+1)(115, 45, 115) */
		reached[1][45] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.sealed);
		now.sealed = (((int)now.sealed)+1);
#ifdef VAR_RANGES
		logval("sealed", ((int)now.sealed));
#endif
		;
		/* merge: .(goto)(115, 48, 115) */
		reached[1][48] = 1;
		;
		/* merge: s[x].what = 5(115, 50, 115) */
		reached[1][50] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what);
		now.s[ Index(((P1 *)_this)->x, 4) ].what = 5;
#ifdef VAR_RANGES
		logval("s[image:x].what", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].a = 2(115, 51, 115) */
		reached[1][51] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
		now.s[ Index(((P1 *)_this)->x, 4) ].a = 2;
#ifdef VAR_RANGES
		logval("s[image:x].a", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: s[x].b = 0(115, 52, 115) */
		reached[1][52] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].b);
		now.s[ Index(((P1 *)_this)->x, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[image:x].b", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].b));
#endif
		;
		/* merge: s[x].id = im[i].id(115, 53, 115) */
		reached[1][53] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].id);
		now.s[ Index(((P1 *)_this)->x, 4) ].id = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].id);
#ifdef VAR_RANGES
		logval("s[image:x].id", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].id));
#endif
		;
		/* merge: .(goto)(115, 55, 115) */
		reached[1][55] = 1;
		;
		/* merge: .(goto)(115, 96, 115) */
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.ovals[8] = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 13 */
	case 86: // STATE 50 - handshake.pml:352 - [s[x].what = 5] (0:115:5 - 3)
		IfNotBlocked
		reached[1][50] = 1;
		(trpt+1)->bup.ovals = grab_ints(5);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what);
		now.s[ Index(((P1 *)_this)->x, 4) ].what = 5;
#ifdef VAR_RANGES
		logval("s[image:x].what", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].a = 2(115, 51, 115) */
		reached[1][51] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
		now.s[ Index(((P1 *)_this)->x, 4) ].a = 2;
#ifdef VAR_RANGES
		logval("s[image:x].a", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: s[x].b = 0(115, 52, 115) */
		reached[1][52] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].b);
		now.s[ Index(((P1 *)_this)->x, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[image:x].b", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].b));
#endif
		;
		/* merge: s[x].id = im[i].id(115, 53, 115) */
		reached[1][53] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].id);
		now.s[ Index(((P1 *)_this)->x, 4) ].id = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].id);
#ifdef VAR_RANGES
		logval("s[image:x].id", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].id));
#endif
		;
		/* merge: .(goto)(115, 55, 115) */
		reached[1][55] = 1;
		;
		/* merge: .(goto)(115, 96, 115) */
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 7 */
	case 87: // STATE 57 - handshake.pml:396 - [((s[x].what==3))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][57] = 1;
		if (!((((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what)==3)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 88: // STATE 58 - handshake.pml:359 - [k = ( ((scenario==2)) -> (( ((rule==14)) -> (s[x].a) : (((4*x)+s[x].a)) )) : (0) )] (0:0:1 - 1)
		IfNotBlocked
		reached[1][58] = 1;
		(trpt+1)->bup.oval = ((int)((P1 *)_this)->_7_15_15_k);
		((P1 *)_this)->_7_15_15_k = ( ((((int)now.scenario)==2)) ? (( ((((int)now.rule)==14)) ? (((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a)) : (((4*((int)((P1 *)_this)->x))+((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a))) )) : (0) );
#ifdef VAR_RANGES
		logval("image:k", ((int)((P1 *)_this)->_7_15_15_k));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 89: // STATE 59 - handshake.pml:360 - [((((k!=0)&&(im[i].known&(1<<k)))&&!((rule==15))))] (0:0:1 - 1)
		IfNotBlocked
		reached[1][59] = 1;
		if (!((((((int)((P1 *)_this)->_7_15_15_k)!=0)&&(now.im[ Index(((int)((P1 *)_this)->i), 3) ].known&(1<<((int)((P1 *)_this)->_7_15_15_k))))&& !((((int)now.rule)==15)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 90: // STATE 60 - handshake.pml:361 - [{c_code11}] (0:0:0 - 1)
		IfNotBlocked
		reached[1][60] = 1;
		/* c_code11 */
		{ 
		sv_save(); came_to[8]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 91: // STATE 61 - handshake.pml:361 - [s[x].what = 6] (0:115:3 - 1)
		IfNotBlocked
		reached[1][61] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what);
		now.s[ Index(((P1 *)_this)->x, 4) ].what = 6;
#ifdef VAR_RANGES
		logval("s[image:x].what", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: .(goto)(115, 92, 115) */
		reached[1][92] = 1;
		;
		/* merge: k = 0(115, 93, 115) */
		reached[1][93] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P1 *)_this)->_7_15_15_k);
		((P1 *)_this)->_7_15_15_k = 0;
#ifdef VAR_RANGES
		logval("image:k", ((int)((P1 *)_this)->_7_15_15_k));
#endif
		;
		/* merge: .(goto)(115, 96, 115) */
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 5 */
	case 92: // STATE 63 - handshake.pml:364 - [((k!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][63] = 1;
		if (!((((int)((P1 *)_this)->_7_15_15_k)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 93: // STATE 64 - handshake.pml:365 - [(!((installed&(1<<k))))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][64] = 1;
		if (!( !((now.installed&(1<<((int)((P1 *)_this)->_7_15_15_k))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 94: // STATE 65 - handshake.pml:365 - [(1)] (80:0:2 - 1)
		IfNotBlocked
		reached[1][65] = 1;
		if (!(1))
			continue;
		/* merge: .(goto)(80, 70, 80) */
		reached[1][70] = 1;
		;
		/* merge: installed = (installed|(1<<k))(80, 71, 80) */
		reached[1][71] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = now.installed;
		now.installed = (now.installed|(1<<((int)((P1 *)_this)->_7_15_15_k)));
#ifdef VAR_RANGES
		logval("installed", now.installed);
#endif
		;
		/* merge: im[i].known = (im[i].known|(1<<k))(80, 72, 80) */
		reached[1][72] = 1;
		(trpt+1)->bup.ovals[1] = now.im[ Index(((int)((P1 *)_this)->i), 3) ].known;
		now.im[ Index(((P1 *)_this)->i, 3) ].known = (now.im[ Index(((int)((P1 *)_this)->i), 3) ].known|(1<<((int)((P1 *)_this)->_7_15_15_k)));
#ifdef VAR_RANGES
		logval("im[image:i].known", now.im[ Index(((int)((P1 *)_this)->i), 3) ].known);
#endif
		;
		/* merge: .(goto)(0, 75, 80) */
		reached[1][75] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 95: // STATE 67 - handshake.pml:365 - [broken = 7] (0:80:3 - 1)
		IfNotBlocked
		reached[1][67] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.broken);
		now.broken = 7;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=7))(80, 68, 80) */
		reached[1][68] = 1;
		spin_assert((((int)now.broken)!=7), "(broken!=7)", II, tt, t);
		/* merge: .(goto)(80, 70, 80) */
		reached[1][70] = 1;
		;
		/* merge: installed = (installed|(1<<k))(80, 71, 80) */
		reached[1][71] = 1;
		(trpt+1)->bup.ovals[1] = now.installed;
		now.installed = (now.installed|(1<<((int)((P1 *)_this)->_7_15_15_k)));
#ifdef VAR_RANGES
		logval("installed", now.installed);
#endif
		;
		/* merge: im[i].known = (im[i].known|(1<<k))(80, 72, 80) */
		reached[1][72] = 1;
		(trpt+1)->bup.ovals[2] = now.im[ Index(((int)((P1 *)_this)->i), 3) ].known;
		now.im[ Index(((P1 *)_this)->i, 3) ].known = (now.im[ Index(((int)((P1 *)_this)->i), 3) ].known|(1<<((int)((P1 *)_this)->_7_15_15_k)));
#ifdef VAR_RANGES
		logval("im[image:i].known", now.im[ Index(((int)((P1 *)_this)->i), 3) ].known);
#endif
		;
		/* merge: .(goto)(0, 75, 80) */
		reached[1][75] = 1;
		;
		_m = 3; goto P999; /* 5 */
	case 96: // STATE 71 - handshake.pml:366 - [installed = (installed|(1<<k))] (0:80:2 - 3)
		IfNotBlocked
		reached[1][71] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = now.installed;
		now.installed = (now.installed|(1<<((int)((P1 *)_this)->_7_15_15_k)));
#ifdef VAR_RANGES
		logval("installed", now.installed);
#endif
		;
		/* merge: im[i].known = (im[i].known|(1<<k))(80, 72, 80) */
		reached[1][72] = 1;
		(trpt+1)->bup.ovals[1] = now.im[ Index(((int)((P1 *)_this)->i), 3) ].known;
		now.im[ Index(((P1 *)_this)->i, 3) ].known = (now.im[ Index(((int)((P1 *)_this)->i), 3) ].known|(1<<((int)((P1 *)_this)->_7_15_15_k)));
#ifdef VAR_RANGES
		logval("im[image:i].known", now.im[ Index(((int)((P1 *)_this)->i), 3) ].known);
#endif
		;
		/* merge: .(goto)(0, 75, 80) */
		reached[1][75] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 97: // STATE 76 - handshake.pml:370 - [(s[x].is_adv)] (87:0:1 - 1)
		IfNotBlocked
		reached[1][76] = 1;
		if (!(((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].is_adv)))
			continue;
		/* merge: im[i].has_foreign = 1(0, 77, 87) */
		reached[1][77] = 1;
		(trpt+1)->bup.oval = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_foreign);
		now.im[ Index(((P1 *)_this)->i, 3) ].has_foreign = 1;
#ifdef VAR_RANGES
		logval("im[image:i].has_foreign", ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_foreign));
#endif
		;
		/* merge: .(goto)(0, 81, 87) */
		reached[1][81] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 98: // STATE 79 - handshake.pml:371 - [im[i].has_keys = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[1][79] = 1;
		(trpt+1)->bup.oval = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_keys);
		now.im[ Index(((P1 *)_this)->i, 3) ].has_keys = 1;
#ifdef VAR_RANGES
		logval("im[image:i].has_keys", ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_keys));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 99: // STATE 82 - handshake.pml:373 - [((!(im[i].has_keys)||!(im[i].has_foreign)))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][82] = 1;
		if (!(( !(((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_keys))|| !(((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_foreign)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 100: // STATE 83 - handshake.pml:373 - [(1)] (115:0:4 - 1)
		IfNotBlocked
		reached[1][83] = 1;
		if (!(1))
			continue;
		/* merge: .(goto)(115, 88, 115) */
		reached[1][88] = 1;
		;
		/* merge: s[x].what = 5(115, 89, 115) */
		reached[1][89] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what);
		now.s[ Index(((P1 *)_this)->x, 4) ].what = 5;
#ifdef VAR_RANGES
		logval("s[image:x].what", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].a = 3(115, 90, 115) */
		reached[1][90] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
		now.s[ Index(((P1 *)_this)->x, 4) ].a = 3;
#ifdef VAR_RANGES
		logval("s[image:x].a", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: .(goto)(115, 92, 115) */
		reached[1][92] = 1;
		;
		/* merge: k = 0(115, 93, 115) */
		reached[1][93] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P1 *)_this)->_7_15_15_k);
		((P1 *)_this)->_7_15_15_k = 0;
#ifdef VAR_RANGES
		logval("image:k", ((int)((P1 *)_this)->_7_15_15_k));
#endif
		;
		/* merge: .(goto)(115, 96, 115) */
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.ovals[3] = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 8 */
	case 101: // STATE 85 - handshake.pml:373 - [broken = 2] (0:115:5 - 1)
		IfNotBlocked
		reached[1][85] = 1;
		(trpt+1)->bup.ovals = grab_ints(5);
		(trpt+1)->bup.ovals[0] = ((int)now.broken);
		now.broken = 2;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=2))(115, 86, 115) */
		reached[1][86] = 1;
		spin_assert((((int)now.broken)!=2), "(broken!=2)", II, tt, t);
		/* merge: .(goto)(115, 88, 115) */
		reached[1][88] = 1;
		;
		/* merge: s[x].what = 5(115, 89, 115) */
		reached[1][89] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what);
		now.s[ Index(((P1 *)_this)->x, 4) ].what = 5;
#ifdef VAR_RANGES
		logval("s[image:x].what", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].a = 3(115, 90, 115) */
		reached[1][90] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
		now.s[ Index(((P1 *)_this)->x, 4) ].a = 3;
#ifdef VAR_RANGES
		logval("s[image:x].a", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: .(goto)(115, 92, 115) */
		reached[1][92] = 1;
		;
		/* merge: k = 0(115, 93, 115) */
		reached[1][93] = 1;
		(trpt+1)->bup.ovals[3] = ((int)((P1 *)_this)->_7_15_15_k);
		((P1 *)_this)->_7_15_15_k = 0;
#ifdef VAR_RANGES
		logval("image:k", ((int)((P1 *)_this)->_7_15_15_k));
#endif
		;
		/* merge: .(goto)(115, 96, 115) */
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 9 */
	case 102: // STATE 89 - handshake.pml:374 - [s[x].what = 5] (0:115:4 - 3)
		IfNotBlocked
		reached[1][89] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what);
		now.s[ Index(((P1 *)_this)->x, 4) ].what = 5;
#ifdef VAR_RANGES
		logval("s[image:x].what", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].what));
#endif
		;
		/* merge: s[x].a = 3(115, 90, 115) */
		reached[1][90] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a);
		now.s[ Index(((P1 *)_this)->x, 4) ].a = 3;
#ifdef VAR_RANGES
		logval("s[image:x].a", ((int)now.s[ Index(((int)((P1 *)_this)->x), 4) ].a));
#endif
		;
		/* merge: .(goto)(115, 92, 115) */
		reached[1][92] = 1;
		;
		/* merge: k = 0(115, 93, 115) */
		reached[1][93] = 1;
		(trpt+1)->bup.ovals[2] = ((int)((P1 *)_this)->_7_15_15_k);
		((P1 *)_this)->_7_15_15_k = 0;
#ifdef VAR_RANGES
		logval("image:k", ((int)((P1 *)_this)->_7_15_15_k));
#endif
		;
		/* merge: .(goto)(115, 96, 115) */
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.ovals[3] = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 6 */
	case 103: // STATE 93 - handshake.pml:376 - [k = 0] (0:115:2 - 3)
		IfNotBlocked
		reached[1][93] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)((P1 *)_this)->_7_15_15_k);
		((P1 *)_this)->_7_15_15_k = 0;
#ifdef VAR_RANGES
		logval("image:k", ((int)((P1 *)_this)->_7_15_15_k));
#endif
		;
		/* merge: .(goto)(115, 96, 115) */
		reached[1][96] = 1;
		;
		/* merge: x = 0(115, 97, 115) */
		reached[1][97] = 1;
		(trpt+1)->bup.ovals[1] = ((int)((P1 *)_this)->x);
		((P1 *)_this)->x = 0;
#ifdef VAR_RANGES
		logval("image:x", ((int)((P1 *)_this)->x));
#endif
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 104: // STATE 99 - handshake.pml:400 - [(((im[i].is_up&&im[i].has_keys)&&((cur==0)||(s[cur].peer!=i))))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][99] = 1;
		if (!(((((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].is_up)&&((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_keys))&&((((int)now.cur)==0)||(((int)now.s[ Index(((int)now.cur), 4) ].peer)!=((int)((P1 *)_this)->i))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 105: // STATE 100 - handshake.pml:402 - [(!((rule==16)))] (106:0:2 - 1)
		IfNotBlocked
		reached[1][100] = 1;
		if (!( !((((int)now.rule)==16))))
			continue;
		/* merge: im[i].has_keys = 0(106, 101, 106) */
		reached[1][101] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_keys);
		now.im[ Index(((P1 *)_this)->i, 3) ].has_keys = 0;
#ifdef VAR_RANGES
		logval("im[image:i].has_keys", ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_keys));
#endif
		;
		/* merge: im[i].has_foreign = 0(106, 102, 106) */
		reached[1][102] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_foreign);
		now.im[ Index(((P1 *)_this)->i, 3) ].has_foreign = 0;
#ifdef VAR_RANGES
		logval("im[image:i].has_foreign", ((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_foreign));
#endif
		;
		/* merge: .(goto)(0, 105, 106) */
		reached[1][105] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 106: // STATE 106 - handshake.pml:405 - [{c_code12}] (0:0:0 - 3)
		IfNotBlocked
		reached[1][106] = 1;
		/* c_code12 */
		{ 
		sv_save(); came_to[9]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 107: // STATE 107 - handshake.pml:405 - [(!(im[i].has_keys))] (0:0:0 - 1)
		IfNotBlocked
		reached[1][107] = 1;
		if (!( !(((int)now.im[ Index(((int)((P1 *)_this)->i), 3) ].has_keys))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 108: // STATE 108 - handshake.pml:405 - [(1)] (115:0:0 - 1)
		IfNotBlocked
		reached[1][108] = 1;
		if (!(1))
			continue;
		/* merge: .(goto)(115, 113, 115) */
		reached[1][113] = 1;
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 109: // STATE 113 - handshake.pml:405 - [.(goto)] (0:115:0 - 2)
		IfNotBlocked
		reached[1][113] = 1;
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 1 */
	case 110: // STATE 110 - handshake.pml:405 - [broken = 8] (0:115:1 - 1)
		IfNotBlocked
		reached[1][110] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 8;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=8))(115, 111, 115) */
		reached[1][111] = 1;
		spin_assert((((int)now.broken)!=8), "(broken!=8)", II, tt, t);
		/* merge: .(goto)(115, 113, 115) */
		reached[1][113] = 1;
		;
		/* merge: .(goto)(0, 116, 115) */
		reached[1][116] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 111: // STATE 118 - handshake.pml:407 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[1][118] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */

		 /* PROC gateway */
	case 112: // STATE 1 - handshake.pml:258 - [(((((gw==idle)&&(cur!=0))&&!((rule==8)))&&(nonces<nonces_max)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][1] = 1;
		if (!(((((now.gw==6)&&(((int)now.cur)!=0))&& !((((int)now.rule)==8)))&&(((int)now.nonces)<((int)now.nonces_max)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 113: // STATE 2 - handshake.pml:240 - [nonces = (nonces+1)] (0:540:5 - 1)
		IfNotBlocked
		reached[0][2] = 1;
		(trpt+1)->bup.ovals = grab_ints(5);
		(trpt+1)->bup.ovals[0] = ((int)now.nonces);
		now.nonces = (((int)now.nonces)+1);
#ifdef VAR_RANGES
		logval("nonces", ((int)now.nonces));
#endif
		;
		/* merge: nonce = nonces(540, 3, 540) */
		reached[0][3] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = ((int)now.nonces);
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: s[cur].what = 1(540, 4, 540) */
		reached[0][4] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 1;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = nonce(540, 5, 540) */
		reached[0][5] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = ((int)now.nonce);
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: gw = 5(540, 6, 540) */
		reached[0][6] = 1;
		(trpt+1)->bup.ovals[4] = now.gw;
		now.gw = 5;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 5 */
	case 114: // STATE 9 - handshake.pml:259 - [((((gw==idle)&&(cur!=0))&&(rule==8)))] (540:0:1 - 1)
		IfNotBlocked
		reached[0][9] = 1;
		if (!((((now.gw==6)&&(((int)now.cur)!=0))&&(((int)now.rule)==8))))
			continue;
		/* merge: gw = judged(0, 10, 540) */
		reached[0][10] = 1;
		(trpt+1)->bup.oval = now.gw;
		now.gw = 4;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 115: // STATE 12 - handshake.pml:260 - [(((gw==asked)&&(s[cur].what==4)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][12] = 1;
		if (!(((now.gw==5)&&(((int)now.s[ Index(((int)now.cur), 4) ].what)==4))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 116: // STATE 13 - handshake.pml:219 - [e = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[0][13] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 117: // STATE 14 - handshake.pml:220 - [(((((((0<quotes)&&((rule==1)||(q[0].exporter==cur)))&&((rule==2)||(q[0].key==s[cur].key)))&&((rule==3)||(q[0].serves==1)))&&((rule==5)||(q[0].version==s[cur].version)))&&((rule==4)||(q[0].nonce==nonce))))] (155:0:1 - 1)
		IfNotBlocked
		reached[0][14] = 1;
		if (!(((((((0<((int)now.quotes))&&((((int)now.rule)==1)||(((int)now.q[0].exporter)==((int)now.cur))))&&((((int)now.rule)==2)||(((int)now.q[0].key)==((int)now.s[ Index(((int)now.cur), 4) ].key))))&&((((int)now.rule)==3)||(((int)now.q[0].serves)==1)))&&((((int)now.rule)==5)||(((int)now.q[0].version)==((int)now.s[ Index(((int)now.cur), 4) ].version))))&&((((int)now.rule)==4)||(((int)now.q[0].nonce)==((int)now.nonce))))))
			continue;
		/* merge: e = 0(0, 15, 155) */
		reached[0][15] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		/* merge: .(goto)(0, 24, 155) */
		reached[0][24] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 118: // STATE 16 - handshake.pml:221 - [(((((((1<quotes)&&((rule==1)||(q[1].exporter==cur)))&&((rule==2)||(q[1].key==s[cur].key)))&&((rule==3)||(q[1].serves==1)))&&((rule==5)||(q[1].version==s[cur].version)))&&((rule==4)||(q[1].nonce==nonce))))] (155:0:1 - 1)
		IfNotBlocked
		reached[0][16] = 1;
		if (!(((((((1<((int)now.quotes))&&((((int)now.rule)==1)||(((int)now.q[1].exporter)==((int)now.cur))))&&((((int)now.rule)==2)||(((int)now.q[1].key)==((int)now.s[ Index(((int)now.cur), 4) ].key))))&&((((int)now.rule)==3)||(((int)now.q[1].serves)==1)))&&((((int)now.rule)==5)||(((int)now.q[1].version)==((int)now.s[ Index(((int)now.cur), 4) ].version))))&&((((int)now.rule)==4)||(((int)now.q[1].nonce)==((int)now.nonce))))))
			continue;
		/* merge: e = 1(0, 17, 155) */
		reached[0][17] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 1;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		/* merge: .(goto)(0, 24, 155) */
		reached[0][24] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 119: // STATE 18 - handshake.pml:222 - [(((((((2<quotes)&&((rule==1)||(q[2].exporter==cur)))&&((rule==2)||(q[2].key==s[cur].key)))&&((rule==3)||(q[2].serves==1)))&&((rule==5)||(q[2].version==s[cur].version)))&&((rule==4)||(q[2].nonce==nonce))))] (155:0:1 - 1)
		IfNotBlocked
		reached[0][18] = 1;
		if (!(((((((2<((int)now.quotes))&&((((int)now.rule)==1)||(((int)now.q[2].exporter)==((int)now.cur))))&&((((int)now.rule)==2)||(((int)now.q[2].key)==((int)now.s[ Index(((int)now.cur), 4) ].key))))&&((((int)now.rule)==3)||(((int)now.q[2].serves)==1)))&&((((int)now.rule)==5)||(((int)now.q[2].version)==((int)now.s[ Index(((int)now.cur), 4) ].version))))&&((((int)now.rule)==4)||(((int)now.q[2].nonce)==((int)now.nonce))))))
			continue;
		/* merge: e = 2(0, 19, 155) */
		reached[0][19] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 2;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		/* merge: .(goto)(0, 24, 155) */
		reached[0][24] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 120: // STATE 20 - handshake.pml:223 - [(((rule==6)||(rule==7)))] (155:0:1 - 1)
		IfNotBlocked
		reached[0][20] = 1;
		if (!(((((int)now.rule)==6)||(((int)now.rule)==7))))
			continue;
		/* merge: e = 10(0, 21, 155) */
		reached[0][21] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 10;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		/* merge: .(goto)(0, 24, 155) */
		reached[0][24] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 121: // STATE 22 - handshake.pml:224 - [e = 11] (0:0:1 - 1)
		IfNotBlocked
		reached[0][22] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 11;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 122: // STATE 25 - handshake.pml:227 - [(((e!=11)&&(((rule==13)||(s[cur].epoch==0))||((s[cur].id==holder)&&((s[cur].epoch==confirmed)||(s[cur].epoch==begun))))))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][25] = 1;
		if (!(((((int)((P0 *)_this)->_6_3_2_e)!=11)&&(((((int)now.rule)==13)||(((int)now.s[ Index(((int)now.cur), 4) ].epoch)==0))||((((int)now.s[ Index(((int)now.cur), 4) ].id)==((int)now.holder))&&((((int)now.s[ Index(((int)now.cur), 4) ].epoch)==((int)now.confirmed))||(((int)now.s[ Index(((int)now.cur), 4) ].epoch)==((int)now.begun))))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 123: // STATE 26 - handshake.pml:192 - [((s[cur].peer!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][26] = 1;
		if (!((((int)now.s[ Index(((int)now.cur), 4) ].peer)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 124: // STATE 29 - handshake.pml:192 - [broken = 3] (0:38:1 - 1)
		IfNotBlocked
		reached[0][29] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 3;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=3))(38, 30, 38) */
		reached[0][30] = 1;
		spin_assert((((int)now.broken)!=3), "(broken!=3)", II, tt, t);
		/* merge: .(goto)(0, 32, 38) */
		reached[0][32] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 125: // STATE 33 - handshake.pml:193 - [((s[cur].key==s[cur].peer))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][33] = 1;
		if (!((((int)now.s[ Index(((int)now.cur), 4) ].key)==((int)now.s[ Index(((int)now.cur), 4) ].peer))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 126: // STATE 36 - handshake.pml:193 - [broken = 3] (0:45:1 - 1)
		IfNotBlocked
		reached[0][36] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 3;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=3))(45, 37, 45) */
		reached[0][37] = 1;
		spin_assert((((int)now.broken)!=3), "(broken!=3)", II, tt, t);
		/* merge: .(goto)(0, 39, 45) */
		reached[0][39] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 127: // STATE 40 - handshake.pml:194 - [((s[cur].serves==1))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][40] = 1;
		if (!((((int)now.s[ Index(((int)now.cur), 4) ].serves)==1)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 128: // STATE 43 - handshake.pml:194 - [broken = 3] (0:52:1 - 1)
		IfNotBlocked
		reached[0][43] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 3;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=3))(52, 44, 52) */
		reached[0][44] = 1;
		spin_assert((((int)now.broken)!=3), "(broken!=3)", II, tt, t);
		/* merge: .(goto)(0, 46, 52) */
		reached[0][46] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 129: // STATE 47 - handshake.pml:195 - [(((e>=3)||(q[e].nonce==nonce)))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][47] = 1;
		if (!(((((int)((P0 *)_this)->_6_3_2_e)>=3)||(((int)now.q[ Index(((int)((P0 *)_this)->_6_3_2_e), 3) ].nonce)==((int)now.nonce)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 130: // STATE 50 - handshake.pml:195 - [broken = 4] (0:59:1 - 1)
		IfNotBlocked
		reached[0][50] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 4;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=4))(59, 51, 59) */
		reached[0][51] = 1;
		spin_assert((((int)now.broken)!=4), "(broken!=4)", II, tt, t);
		/* merge: .(goto)(0, 53, 59) */
		reached[0][53] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 131: // STATE 54 - handshake.pml:196 - [(((s[cur].epoch==0)||((latest[s[cur].id]!=99)&&(s[cur].epoch>=latest[s[cur].id]))))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][54] = 1;
		if (!(((((int)now.s[ Index(((int)now.cur), 4) ].epoch)==0)||((((int)now.latest[ Index(((int)now.s[ Index(((int)now.cur), 4) ].id), 4) ])!=99)&&(((int)now.s[ Index(((int)now.cur), 4) ].epoch)>=((int)now.latest[ Index(((int)now.s[ Index(((int)now.cur), 4) ].id), 4) ]))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 132: // STATE 55 - handshake.pml:196 - [(1)] (70:0:2 - 1)
		IfNotBlocked
		reached[0][55] = 1;
		if (!(1))
			continue;
		/* merge: .(goto)(70, 60, 70) */
		reached[0][60] = 1;
		;
		/* merge: gw = 4(70, 62, 70) */
		reached[0][62] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = now.gw;
		now.gw = 4;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: nonce = 0(70, 63, 70) */
		reached[0][63] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		_m = 3; goto P999; /* 3 */
	case 133: // STATE 57 - handshake.pml:196 - [broken = 6] (0:70:3 - 1)
		IfNotBlocked
		reached[0][57] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.broken);
		now.broken = 6;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=6))(70, 58, 70) */
		reached[0][58] = 1;
		spin_assert((((int)now.broken)!=6), "(broken!=6)", II, tt, t);
		/* merge: .(goto)(70, 60, 70) */
		reached[0][60] = 1;
		;
		/* merge: gw = 4(70, 62, 70) */
		reached[0][62] = 1;
		(trpt+1)->bup.ovals[1] = now.gw;
		now.gw = 4;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: nonce = 0(70, 63, 70) */
		reached[0][63] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		_m = 3; goto P999; /* 4 */
	case 134: // STATE 62 - handshake.pml:229 - [gw = 4] (0:70:2 - 3)
		IfNotBlocked
		reached[0][62] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = now.gw;
		now.gw = 4;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: nonce = 0(70, 63, 70) */
		reached[0][63] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 135: // STATE 64 - handshake.pml:148 - [s[cur].what = 0] (0:540:7 - 1)
		IfNotBlocked
		reached[0][64] = 1;
		(trpt+1)->bup.ovals = grab_ints(7);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(540, 65, 540) */
		reached[0][65] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(540, 66, 540) */
		reached[0][66] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(540, 67, 540) */
		reached[0][67] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(540, 68, 540) */
		reached[0][68] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(540, 69, 540) */
		reached[0][69] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: .(goto)(540, 156, 540) */
		reached[0][156] = 1;
		;
		/* merge: e = 0(540, 157, 540) */
		reached[0][157] = 1;
		(trpt+1)->bup.ovals[6] = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 8 */
	case 136: // STATE 156 - handshake.pml:235 - [.(goto)] (0:540:1 - 3)
		IfNotBlocked
		reached[0][156] = 1;
		;
		/* merge: e = 0(540, 157, 540) */
		reached[0][157] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 137: // STATE 71 - handshake.pml:230 - [(((e!=11)&&!((((rule==13)||(s[cur].epoch==0))||((s[cur].id==holder)&&((s[cur].epoch==confirmed)||(s[cur].epoch==begun)))))))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][71] = 1;
		if (!(((((int)((P0 *)_this)->_6_3_2_e)!=11)&& !((((((int)now.rule)==13)||(((int)now.s[ Index(((int)now.cur), 4) ].epoch)==0))||((((int)now.s[ Index(((int)now.cur), 4) ].id)==((int)now.holder))&&((((int)now.s[ Index(((int)now.cur), 4) ].epoch)==((int)now.confirmed))||(((int)now.s[ Index(((int)now.cur), 4) ].epoch)==((int)now.begun)))))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 138: // STATE 72 - handshake.pml:231 - [{c_code2}] (0:0:0 - 1)
		IfNotBlocked
		reached[0][72] = 1;
		/* c_code2 */
		{ 
		sv_save(); came_to[1]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 139: // STATE 73 - handshake.pml:231 - [is_lost = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[0][73] = 1;
		(trpt+1)->bup.oval = ((int)now.is_lost);
		now.is_lost = 1;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 140: // STATE 74 - handshake.pml:204 - [((is_lost&&!((rule==17))))] (84:0:1 - 1)
		IfNotBlocked
		reached[0][74] = 1;
		if (!((((int)now.is_lost)&& !((((int)now.rule)==17)))))
			continue;
		/* merge: using = 0(0, 75, 84) */
		reached[0][75] = 1;
		(trpt+1)->bup.oval = ((int)now.using);
		now.using = 0;
#ifdef VAR_RANGES
		logval("using", ((int)now.using));
#endif
		;
		/* merge: .(goto)(0, 78, 84) */
		reached[0][78] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 141: // STATE 79 - handshake.pml:207 - [((!(is_lost)||!(using)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][79] = 1;
		if (!(( !(((int)now.is_lost))|| !(((int)now.using)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 142: // STATE 82 - handshake.pml:207 - [broken = 8] (0:106:1 - 1)
		IfNotBlocked
		reached[0][82] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 8;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=8))(106, 83, 106) */
		reached[0][83] = 1;
		spin_assert((((int)now.broken)!=8), "(broken!=8)", II, tt, t);
		/* merge: .(goto)(0, 85, 106) */
		reached[0][85] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 143: // STATE 86 - handshake.pml:209 - [((cur!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][86] = 1;
		if (!((((int)now.cur)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 144: // STATE 87 - handshake.pml:159 - [s[cur].has_client = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[0][87] = 1;
		(trpt+1)->bup.oval = ((int)now.s[ Index(((int)now.cur), 4) ].has_client);
		now.s[ Index(now.cur, 4) ].has_client = 0;
#ifdef VAR_RANGES
		logval("s[cur].has_client", ((int)now.s[ Index(((int)now.cur), 4) ].has_client));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 145: // STATE 88 - handshake.pml:161 - [(!(s[cur].has_image))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][88] = 1;
		if (!( !(((int)now.s[ Index(((int)now.cur), 4) ].has_image))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 146: // STATE 89 - handshake.pml:148 - [s[cur].what = 0] (0:540:15 - 1)
		IfNotBlocked
		reached[0][89] = 1;
		(trpt+1)->bup.ovals = grab_ints(15);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(540, 90, 540) */
		reached[0][90] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(540, 91, 540) */
		reached[0][91] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(540, 92, 540) */
		reached[0][92] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(540, 93, 540) */
		reached[0][93] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(540, 94, 540) */
		reached[0][94] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: s[cur].key = 0(540, 96, 540) */
		reached[0][96] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.cur), 4) ].key);
		now.s[ Index(now.cur, 4) ].key = 0;
#ifdef VAR_RANGES
		logval("s[cur].key", ((int)now.s[ Index(((int)now.cur), 4) ].key));
#endif
		;
		/* merge: s[cur].peer = 0(540, 97, 540) */
		reached[0][97] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)now.cur), 4) ].peer);
		now.s[ Index(now.cur, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[cur].peer", ((int)now.s[ Index(((int)now.cur), 4) ].peer));
#endif
		;
		/* merge: s[cur].serves = 0(540, 98, 540) */
		reached[0][98] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)now.cur), 4) ].serves);
		now.s[ Index(now.cur, 4) ].serves = 0;
#ifdef VAR_RANGES
		logval("s[cur].serves", ((int)now.s[ Index(((int)now.cur), 4) ].serves));
#endif
		;
		/* merge: s[cur].is_adv = 0(540, 99, 540) */
		reached[0][99] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)now.cur), 4) ].is_adv);
		now.s[ Index(now.cur, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[cur].is_adv", ((int)now.s[ Index(((int)now.cur), 4) ].is_adv));
#endif
		;
		/* merge: .(goto)(540, 103, 540) */
		reached[0][103] = 1;
		;
		/* merge: .(goto)(540, 107, 540) */
		reached[0][107] = 1;
		;
		/* merge: cur = 0(540, 108, 540) */
		reached[0][108] = 1;
		(trpt+1)->bup.ovals[10] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 109, 540) */
		reached[0][109] = 1;
		(trpt+1)->bup.ovals[11] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 110, 540) */
		reached[0][110] = 1;
		(trpt+1)->bup.ovals[12] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 111, 540) */
		reached[0][111] = 1;
		(trpt+1)->bup.ovals[13] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 156, 540) */
		reached[0][156] = 1;
		;
		/* merge: e = 0(540, 157, 540) */
		reached[0][157] = 1;
		(trpt+1)->bup.ovals[14] = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 18 */
	case 147: // STATE 108 - handshake.pml:212 - [cur = 0] (0:540:5 - 5)
		IfNotBlocked
		reached[0][108] = 1;
		(trpt+1)->bup.ovals = grab_ints(5);
		(trpt+1)->bup.ovals[0] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 109, 540) */
		reached[0][109] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 110, 540) */
		reached[0][110] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 111, 540) */
		reached[0][111] = 1;
		(trpt+1)->bup.ovals[3] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 156, 540) */
		reached[0][156] = 1;
		;
		/* merge: e = 0(540, 157, 540) */
		reached[0][157] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 6 */
	case 148: // STATE 113 - handshake.pml:232 - [((e==11))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][113] = 1;
		if (!((((int)((P0 *)_this)->_6_3_2_e)==11)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 149: // STATE 114 - handshake.pml:233 - [{c_code3}] (0:0:0 - 1)
		IfNotBlocked
		reached[0][114] = 1;
		/* c_code3 */
		{ 
		sv_save(); came_to[2]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 150: // STATE 115 - handshake.pml:233 - [is_lost = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[0][115] = 1;
		(trpt+1)->bup.oval = ((int)now.is_lost);
		now.is_lost = 1;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 151: // STATE 116 - handshake.pml:204 - [((is_lost&&!((rule==17))))] (126:0:1 - 1)
		IfNotBlocked
		reached[0][116] = 1;
		if (!((((int)now.is_lost)&& !((((int)now.rule)==17)))))
			continue;
		/* merge: using = 0(0, 117, 126) */
		reached[0][117] = 1;
		(trpt+1)->bup.oval = ((int)now.using);
		now.using = 0;
#ifdef VAR_RANGES
		logval("using", ((int)now.using));
#endif
		;
		/* merge: .(goto)(0, 120, 126) */
		reached[0][120] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 152: // STATE 121 - handshake.pml:207 - [((!(is_lost)||!(using)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][121] = 1;
		if (!(( !(((int)now.is_lost))|| !(((int)now.using)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 153: // STATE 124 - handshake.pml:207 - [broken = 8] (0:148:1 - 1)
		IfNotBlocked
		reached[0][124] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 8;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=8))(148, 125, 148) */
		reached[0][125] = 1;
		spin_assert((((int)now.broken)!=8), "(broken!=8)", II, tt, t);
		/* merge: .(goto)(0, 127, 148) */
		reached[0][127] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 154: // STATE 128 - handshake.pml:209 - [((cur!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][128] = 1;
		if (!((((int)now.cur)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 155: // STATE 129 - handshake.pml:159 - [s[cur].has_client = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[0][129] = 1;
		(trpt+1)->bup.oval = ((int)now.s[ Index(((int)now.cur), 4) ].has_client);
		now.s[ Index(now.cur, 4) ].has_client = 0;
#ifdef VAR_RANGES
		logval("s[cur].has_client", ((int)now.s[ Index(((int)now.cur), 4) ].has_client));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 156: // STATE 130 - handshake.pml:161 - [(!(s[cur].has_image))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][130] = 1;
		if (!( !(((int)now.s[ Index(((int)now.cur), 4) ].has_image))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 157: // STATE 131 - handshake.pml:148 - [s[cur].what = 0] (0:540:15 - 1)
		IfNotBlocked
		reached[0][131] = 1;
		(trpt+1)->bup.ovals = grab_ints(15);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(540, 132, 540) */
		reached[0][132] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(540, 133, 540) */
		reached[0][133] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(540, 134, 540) */
		reached[0][134] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(540, 135, 540) */
		reached[0][135] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(540, 136, 540) */
		reached[0][136] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: s[cur].key = 0(540, 138, 540) */
		reached[0][138] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.cur), 4) ].key);
		now.s[ Index(now.cur, 4) ].key = 0;
#ifdef VAR_RANGES
		logval("s[cur].key", ((int)now.s[ Index(((int)now.cur), 4) ].key));
#endif
		;
		/* merge: s[cur].peer = 0(540, 139, 540) */
		reached[0][139] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)now.cur), 4) ].peer);
		now.s[ Index(now.cur, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[cur].peer", ((int)now.s[ Index(((int)now.cur), 4) ].peer));
#endif
		;
		/* merge: s[cur].serves = 0(540, 140, 540) */
		reached[0][140] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)now.cur), 4) ].serves);
		now.s[ Index(now.cur, 4) ].serves = 0;
#ifdef VAR_RANGES
		logval("s[cur].serves", ((int)now.s[ Index(((int)now.cur), 4) ].serves));
#endif
		;
		/* merge: s[cur].is_adv = 0(540, 141, 540) */
		reached[0][141] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)now.cur), 4) ].is_adv);
		now.s[ Index(now.cur, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[cur].is_adv", ((int)now.s[ Index(((int)now.cur), 4) ].is_adv));
#endif
		;
		/* merge: .(goto)(540, 145, 540) */
		reached[0][145] = 1;
		;
		/* merge: .(goto)(540, 149, 540) */
		reached[0][149] = 1;
		;
		/* merge: cur = 0(540, 150, 540) */
		reached[0][150] = 1;
		(trpt+1)->bup.ovals[10] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 151, 540) */
		reached[0][151] = 1;
		(trpt+1)->bup.ovals[11] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 152, 540) */
		reached[0][152] = 1;
		(trpt+1)->bup.ovals[12] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 153, 540) */
		reached[0][153] = 1;
		(trpt+1)->bup.ovals[13] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 156, 540) */
		reached[0][156] = 1;
		;
		/* merge: e = 0(540, 157, 540) */
		reached[0][157] = 1;
		(trpt+1)->bup.ovals[14] = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 18 */
	case 158: // STATE 150 - handshake.pml:212 - [cur = 0] (0:540:5 - 5)
		IfNotBlocked
		reached[0][150] = 1;
		(trpt+1)->bup.ovals = grab_ints(5);
		(trpt+1)->bup.ovals[0] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 151, 540) */
		reached[0][151] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 152, 540) */
		reached[0][152] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 153, 540) */
		reached[0][153] = 1;
		(trpt+1)->bup.ovals[3] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 156, 540) */
		reached[0][156] = 1;
		;
		/* merge: e = 0(540, 157, 540) */
		reached[0][157] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P0 *)_this)->_6_3_2_e);
		((P0 *)_this)->_6_3_2_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_3_2_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 6 */
	case 159: // STATE 160 - handshake.pml:262 - [(((gw==judged)&&(s[cur].what==0)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][160] = 1;
		if (!(((now.gw==4)&&(((int)now.s[ Index(((int)now.cur), 4) ].what)==0))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 160: // STATE 161 - handshake.pml:264 - [(((policy<high)&&!((rule==11))))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][161] = 1;
		if (!(((((int)now.policy)<((int)now.high))&& !((((int)now.rule)==11)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 161: // STATE 162 - handshake.pml:265 - [{c_code4}] (0:0:0 - 1)
		IfNotBlocked
		reached[0][162] = 1;
		/* c_code4 */
		{ 
		sv_save(); came_to[3]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 162: // STATE 163 - handshake.pml:265 - [is_lost = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[0][163] = 1;
		(trpt+1)->bup.oval = ((int)now.is_lost);
		now.is_lost = 1;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 163: // STATE 164 - handshake.pml:204 - [((is_lost&&!((rule==17))))] (174:0:1 - 1)
		IfNotBlocked
		reached[0][164] = 1;
		if (!((((int)now.is_lost)&& !((((int)now.rule)==17)))))
			continue;
		/* merge: using = 0(0, 165, 174) */
		reached[0][165] = 1;
		(trpt+1)->bup.oval = ((int)now.using);
		now.using = 0;
#ifdef VAR_RANGES
		logval("using", ((int)now.using));
#endif
		;
		/* merge: .(goto)(0, 168, 174) */
		reached[0][168] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 164: // STATE 169 - handshake.pml:207 - [((!(is_lost)||!(using)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][169] = 1;
		if (!(( !(((int)now.is_lost))|| !(((int)now.using)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 165: // STATE 172 - handshake.pml:207 - [broken = 8] (0:196:1 - 1)
		IfNotBlocked
		reached[0][172] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 8;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=8))(196, 173, 196) */
		reached[0][173] = 1;
		spin_assert((((int)now.broken)!=8), "(broken!=8)", II, tt, t);
		/* merge: .(goto)(0, 175, 196) */
		reached[0][175] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 166: // STATE 176 - handshake.pml:209 - [((cur!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][176] = 1;
		if (!((((int)now.cur)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 167: // STATE 177 - handshake.pml:159 - [s[cur].has_client = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[0][177] = 1;
		(trpt+1)->bup.oval = ((int)now.s[ Index(((int)now.cur), 4) ].has_client);
		now.s[ Index(now.cur, 4) ].has_client = 0;
#ifdef VAR_RANGES
		logval("s[cur].has_client", ((int)now.s[ Index(((int)now.cur), 4) ].has_client));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 168: // STATE 178 - handshake.pml:161 - [(!(s[cur].has_image))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][178] = 1;
		if (!( !(((int)now.s[ Index(((int)now.cur), 4) ].has_image))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 169: // STATE 179 - handshake.pml:148 - [s[cur].what = 0] (0:540:14 - 1)
		IfNotBlocked
		reached[0][179] = 1;
		(trpt+1)->bup.ovals = grab_ints(14);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(540, 180, 540) */
		reached[0][180] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(540, 181, 540) */
		reached[0][181] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(540, 182, 540) */
		reached[0][182] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(540, 183, 540) */
		reached[0][183] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(540, 184, 540) */
		reached[0][184] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: s[cur].key = 0(540, 186, 540) */
		reached[0][186] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.cur), 4) ].key);
		now.s[ Index(now.cur, 4) ].key = 0;
#ifdef VAR_RANGES
		logval("s[cur].key", ((int)now.s[ Index(((int)now.cur), 4) ].key));
#endif
		;
		/* merge: s[cur].peer = 0(540, 187, 540) */
		reached[0][187] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)now.cur), 4) ].peer);
		now.s[ Index(now.cur, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[cur].peer", ((int)now.s[ Index(((int)now.cur), 4) ].peer));
#endif
		;
		/* merge: s[cur].serves = 0(540, 188, 540) */
		reached[0][188] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)now.cur), 4) ].serves);
		now.s[ Index(now.cur, 4) ].serves = 0;
#ifdef VAR_RANGES
		logval("s[cur].serves", ((int)now.s[ Index(((int)now.cur), 4) ].serves));
#endif
		;
		/* merge: s[cur].is_adv = 0(540, 189, 540) */
		reached[0][189] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)now.cur), 4) ].is_adv);
		now.s[ Index(now.cur, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[cur].is_adv", ((int)now.s[ Index(((int)now.cur), 4) ].is_adv));
#endif
		;
		/* merge: .(goto)(540, 193, 540) */
		reached[0][193] = 1;
		;
		/* merge: .(goto)(540, 197, 540) */
		reached[0][197] = 1;
		;
		/* merge: cur = 0(540, 198, 540) */
		reached[0][198] = 1;
		(trpt+1)->bup.ovals[10] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 199, 540) */
		reached[0][199] = 1;
		(trpt+1)->bup.ovals[11] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 200, 540) */
		reached[0][200] = 1;
		(trpt+1)->bup.ovals[12] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 201, 540) */
		reached[0][201] = 1;
		(trpt+1)->bup.ovals[13] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 219, 540) */
		reached[0][219] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 17 */
	case 170: // STATE 198 - handshake.pml:212 - [cur = 0] (0:540:4 - 5)
		IfNotBlocked
		reached[0][198] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 199, 540) */
		reached[0][199] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 200, 540) */
		reached[0][200] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 201, 540) */
		reached[0][201] = 1;
		(trpt+1)->bup.ovals[3] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 219, 540) */
		reached[0][219] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 5 */
	case 171: // STATE 219 - handshake.pml:272 - [.(goto)] (0:540:0 - 2)
		IfNotBlocked
		reached[0][219] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 1 */
	case 172: // STATE 204 - handshake.pml:267 - [high = policy] (0:0:1 - 1)
		IfNotBlocked
		reached[0][204] = 1;
		(trpt+1)->bup.oval = ((int)now.high);
		now.high = ((int)now.policy);
#ifdef VAR_RANGES
		logval("high", ((int)now.high));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 173: // STATE 205 - handshake.pml:268 - [((policy>=high_ever))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][205] = 1;
		if (!((((int)now.policy)>=((int)now.high_ever))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 174: // STATE 206 - handshake.pml:268 - [(1)] (540:0:6 - 1)
		IfNotBlocked
		reached[0][206] = 1;
		if (!(1))
			continue;
		/* merge: .(goto)(540, 211, 540) */
		reached[0][211] = 1;
		;
		/* merge: high_ever = ( ((policy>high_ever)) -> (policy) : (high_ever) )(540, 212, 540) */
		reached[0][212] = 1;
		(trpt+1)->bup.ovals = grab_ints(6);
		(trpt+1)->bup.ovals[0] = ((int)now.high_ever);
		now.high_ever = ( ((((int)now.policy)>((int)now.high_ever))) ? (((int)now.policy)) : (((int)now.high_ever)) );
#ifdef VAR_RANGES
		logval("high_ever", ((int)now.high_ever));
#endif
		;
		/* merge: begun = (( ((begun>confirmed)) -> (begun) : (confirmed) )+1)(540, 213, 540) */
		reached[0][213] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.begun);
		now.begun = (( ((((int)now.begun)>((int)now.confirmed))) ? (((int)now.begun)) : (((int)now.confirmed)) )+1);
#ifdef VAR_RANGES
		logval("begun", ((int)now.begun));
#endif
		;
		/* merge: s[cur].what = 2(540, 214, 540) */
		reached[0][214] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 2;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = policy(540, 215, 540) */
		reached[0][215] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = ((int)now.policy);
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = begun(540, 216, 540) */
		reached[0][216] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = ((int)now.begun);
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: gw = provisioned(540, 217, 540) */
		reached[0][217] = 1;
		(trpt+1)->bup.ovals[5] = now.gw;
		now.gw = 3;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 219, 540) */
		reached[0][219] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 9 */
	case 175: // STATE 208 - handshake.pml:268 - [broken = 5] (0:540:7 - 1)
		IfNotBlocked
		reached[0][208] = 1;
		(trpt+1)->bup.ovals = grab_ints(7);
		(trpt+1)->bup.ovals[0] = ((int)now.broken);
		now.broken = 5;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=5))(540, 209, 540) */
		reached[0][209] = 1;
		spin_assert((((int)now.broken)!=5), "(broken!=5)", II, tt, t);
		/* merge: .(goto)(540, 211, 540) */
		reached[0][211] = 1;
		;
		/* merge: high_ever = ( ((policy>high_ever)) -> (policy) : (high_ever) )(540, 212, 540) */
		reached[0][212] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.high_ever);
		now.high_ever = ( ((((int)now.policy)>((int)now.high_ever))) ? (((int)now.policy)) : (((int)now.high_ever)) );
#ifdef VAR_RANGES
		logval("high_ever", ((int)now.high_ever));
#endif
		;
		/* merge: begun = (( ((begun>confirmed)) -> (begun) : (confirmed) )+1)(540, 213, 540) */
		reached[0][213] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.begun);
		now.begun = (( ((((int)now.begun)>((int)now.confirmed))) ? (((int)now.begun)) : (((int)now.confirmed)) )+1);
#ifdef VAR_RANGES
		logval("begun", ((int)now.begun));
#endif
		;
		/* merge: s[cur].what = 2(540, 214, 540) */
		reached[0][214] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 2;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = policy(540, 215, 540) */
		reached[0][215] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = ((int)now.policy);
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = begun(540, 216, 540) */
		reached[0][216] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = ((int)now.begun);
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: gw = provisioned(540, 217, 540) */
		reached[0][217] = 1;
		(trpt+1)->bup.ovals[6] = now.gw;
		now.gw = 3;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 219, 540) */
		reached[0][219] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 10 */
	case 176: // STATE 212 - handshake.pml:269 - [high_ever = ( ((policy>high_ever)) -> (policy) : (high_ever) )] (0:540:6 - 3)
		IfNotBlocked
		reached[0][212] = 1;
		(trpt+1)->bup.ovals = grab_ints(6);
		(trpt+1)->bup.ovals[0] = ((int)now.high_ever);
		now.high_ever = ( ((((int)now.policy)>((int)now.high_ever))) ? (((int)now.policy)) : (((int)now.high_ever)) );
#ifdef VAR_RANGES
		logval("high_ever", ((int)now.high_ever));
#endif
		;
		/* merge: begun = (( ((begun>confirmed)) -> (begun) : (confirmed) )+1)(540, 213, 540) */
		reached[0][213] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.begun);
		now.begun = (( ((((int)now.begun)>((int)now.confirmed))) ? (((int)now.begun)) : (((int)now.confirmed)) )+1);
#ifdef VAR_RANGES
		logval("begun", ((int)now.begun));
#endif
		;
		/* merge: s[cur].what = 2(540, 214, 540) */
		reached[0][214] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 2;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = policy(540, 215, 540) */
		reached[0][215] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = ((int)now.policy);
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = begun(540, 216, 540) */
		reached[0][216] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = ((int)now.begun);
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: gw = provisioned(540, 217, 540) */
		reached[0][217] = 1;
		(trpt+1)->bup.ovals[5] = now.gw;
		now.gw = 3;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 219, 540) */
		reached[0][219] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 7 */
	case 177: // STATE 221 - handshake.pml:273 - [((((gw==provisioned)&&(s[cur].what==5))&&(s[cur].a==2)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][221] = 1;
		if (!((((now.gw==3)&&(((int)now.s[ Index(((int)now.cur), 4) ].what)==5))&&(((int)now.s[ Index(((int)now.cur), 4) ].a)==2))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 178: // STATE 222 - handshake.pml:275 - [(((holder!=0)&&(s[cur].id!=holder)))] (236:0:4 - 1)
		IfNotBlocked
		reached[0][222] = 1;
		if (!(((((int)now.holder)!=0)&&(((int)now.s[ Index(((int)now.cur), 4) ].id)!=((int)now.holder)))))
			continue;
		/* merge: latest[holder] = 99(236, 223, 236) */
		reached[0][223] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)now.latest[ Index(((int)now.holder), 4) ]);
		now.latest[ Index(now.holder, 4) ] = 99;
#ifdef VAR_RANGES
		logval("latest[holder]", ((int)now.latest[ Index(((int)now.holder), 4) ]));
#endif
		;
		/* merge: .(goto)(236, 226, 236) */
		reached[0][226] = 1;
		;
		/* merge: holder = s[cur].id(236, 227, 236) */
		reached[0][227] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.holder);
		now.holder = ((int)now.s[ Index(((int)now.cur), 4) ].id);
#ifdef VAR_RANGES
		logval("holder", ((int)now.holder));
#endif
		;
		/* merge: confirmed = begun(236, 228, 236) */
		reached[0][228] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.confirmed);
		now.confirmed = ((int)now.begun);
#ifdef VAR_RANGES
		logval("confirmed", ((int)now.confirmed));
#endif
		;
		/* merge: latest[holder] = confirmed(236, 229, 236) */
		reached[0][229] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.latest[ Index(((int)now.holder), 4) ]);
		now.latest[ Index(now.holder, 4) ] = ((int)now.confirmed);
#ifdef VAR_RANGES
		logval("latest[holder]", ((int)now.latest[ Index(((int)now.holder), 4) ]));
#endif
		;
		_m = 3; goto P999; /* 5 */
	case 179: // STATE 227 - handshake.pml:278 - [holder = s[cur].id] (0:236:3 - 3)
		IfNotBlocked
		reached[0][227] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.holder);
		now.holder = ((int)now.s[ Index(((int)now.cur), 4) ].id);
#ifdef VAR_RANGES
		logval("holder", ((int)now.holder));
#endif
		;
		/* merge: confirmed = begun(236, 228, 236) */
		reached[0][228] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.confirmed);
		now.confirmed = ((int)now.begun);
#ifdef VAR_RANGES
		logval("confirmed", ((int)now.confirmed));
#endif
		;
		/* merge: latest[holder] = confirmed(236, 229, 236) */
		reached[0][229] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.latest[ Index(((int)now.holder), 4) ]);
		now.latest[ Index(now.holder, 4) ] = ((int)now.confirmed);
#ifdef VAR_RANGES
		logval("latest[holder]", ((int)now.latest[ Index(((int)now.holder), 4) ]));
#endif
		;
		_m = 3; goto P999; /* 2 */
	case 180: // STATE 230 - handshake.pml:148 - [s[cur].what = 0] (0:254:6 - 1)
		IfNotBlocked
		reached[0][230] = 1;
		(trpt+1)->bup.ovals = grab_ints(6);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(254, 231, 254) */
		reached[0][231] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(254, 232, 254) */
		reached[0][232] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(254, 233, 254) */
		reached[0][233] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(254, 234, 254) */
		reached[0][234] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(254, 235, 254) */
		reached[0][235] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		_m = 3; goto P999; /* 5 */
	case 181: // STATE 237 - handshake.pml:247 - [s[cur].what = 3] (0:245:3 - 1)
		IfNotBlocked
		reached[0][237] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 3;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 1(245, 238, 245) */
		reached[0][238] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 1;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: using = 1(245, 239, 245) */
		reached[0][239] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.using);
		now.using = 1;
#ifdef VAR_RANGES
		logval("using", ((int)now.using));
#endif
		;
		_m = 3; goto P999; /* 2 */
	case 182: // STATE 240 - handshake.pml:249 - [(!((s[cur].is_adv||(s[cur].peer==0))))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][240] = 1;
		if (!( !((((int)now.s[ Index(((int)now.cur), 4) ].is_adv)||(((int)now.s[ Index(((int)now.cur), 4) ].peer)==0)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 183: // STATE 243 - handshake.pml:249 - [broken = 1] (0:252:1 - 1)
		IfNotBlocked
		reached[0][243] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 1;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=1))(252, 244, 252) */
		reached[0][244] = 1;
		spin_assert((((int)now.broken)!=1), "(broken!=1)", II, tt, t);
		/* merge: .(goto)(0, 246, 252) */
		reached[0][246] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 184: // STATE 247 - handshake.pml:250 - [((policy>=high_ever))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][247] = 1;
		if (!((((int)now.policy)>=((int)now.high_ever))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 185: // STATE 248 - handshake.pml:250 - [(1)] (540:0:0 - 1)
		IfNotBlocked
		reached[0][248] = 1;
		if (!(1))
			continue;
		/* merge: .(goto)(540, 253, 540) */
		reached[0][253] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 186: // STATE 253 - handshake.pml:251 - [.(goto)] (0:540:0 - 2)
		IfNotBlocked
		reached[0][253] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 1 */
	case 187: // STATE 250 - handshake.pml:250 - [broken = 5] (0:540:1 - 1)
		IfNotBlocked
		reached[0][250] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 5;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=5))(540, 251, 540) */
		reached[0][251] = 1;
		spin_assert((((int)now.broken)!=5), "(broken!=5)", II, tt, t);
		/* merge: .(goto)(540, 253, 540) */
		reached[0][253] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 188: // STATE 256 - handshake.pml:281 - [((((gw==provisioned)&&(s[cur].what==5))&&(s[cur].a==3)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][256] = 1;
		if (!((((now.gw==3)&&(((int)now.s[ Index(((int)now.cur), 4) ].what)==5))&&(((int)now.s[ Index(((int)now.cur), 4) ].a)==3))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 189: // STATE 257 - handshake.pml:282 - [{c_code5}] (0:0:0 - 1)
		IfNotBlocked
		reached[0][257] = 1;
		/* c_code5 */
		{ 
		sv_save(); came_to[4]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 190: // STATE 258 - handshake.pml:148 - [s[cur].what = 0] (0:540:7 - 1)
		IfNotBlocked
		reached[0][258] = 1;
		(trpt+1)->bup.ovals = grab_ints(7);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(540, 259, 540) */
		reached[0][259] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(540, 260, 540) */
		reached[0][260] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(540, 261, 540) */
		reached[0][261] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(540, 262, 540) */
		reached[0][262] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(540, 263, 540) */
		reached[0][263] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: gw = running(540, 265, 540) */
		reached[0][265] = 1;
		(trpt+1)->bup.ovals[6] = now.gw;
		now.gw = 2;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 7 */
	case 191: // STATE 267 - handshake.pml:284 - [((((gw==running)&&(s[cur].what==0))&&(rekeys<1)))] (286:0:1 - 1)
		IfNotBlocked
		reached[0][267] = 1;
		if (!((((now.gw==2)&&(((int)now.s[ Index(((int)now.cur), 4) ].what)==0))&&(((int)now.rekeys)<1))))
			continue;
		/* merge: rekeys = (rekeys+1)(0, 268, 286) */
		reached[0][268] = 1;
		(trpt+1)->bup.oval = ((int)now.rekeys);
		now.rekeys = (((int)now.rekeys)+1);
#ifdef VAR_RANGES
		logval("rekeys", ((int)now.rekeys));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 192: // STATE 269 - handshake.pml:247 - [s[cur].what = 3] (0:277:3 - 1)
		IfNotBlocked
		reached[0][269] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 3;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 1(277, 270, 277) */
		reached[0][270] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 1;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: using = 1(277, 271, 277) */
		reached[0][271] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.using);
		now.using = 1;
#ifdef VAR_RANGES
		logval("using", ((int)now.using));
#endif
		;
		_m = 3; goto P999; /* 2 */
	case 193: // STATE 272 - handshake.pml:249 - [(!((s[cur].is_adv||(s[cur].peer==0))))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][272] = 1;
		if (!( !((((int)now.s[ Index(((int)now.cur), 4) ].is_adv)||(((int)now.s[ Index(((int)now.cur), 4) ].peer)==0)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 194: // STATE 275 - handshake.pml:249 - [broken = 1] (0:284:1 - 1)
		IfNotBlocked
		reached[0][275] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 1;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=1))(284, 276, 284) */
		reached[0][276] = 1;
		spin_assert((((int)now.broken)!=1), "(broken!=1)", II, tt, t);
		/* merge: .(goto)(0, 278, 284) */
		reached[0][278] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 195: // STATE 279 - handshake.pml:250 - [((policy>=high_ever))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][279] = 1;
		if (!((((int)now.policy)>=((int)now.high_ever))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 196: // STATE 280 - handshake.pml:250 - [(1)] (540:0:0 - 1)
		IfNotBlocked
		reached[0][280] = 1;
		if (!(1))
			continue;
		/* merge: .(goto)(540, 285, 540) */
		reached[0][285] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 197: // STATE 285 - handshake.pml:251 - [.(goto)] (0:540:0 - 2)
		IfNotBlocked
		reached[0][285] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 1 */
	case 198: // STATE 282 - handshake.pml:250 - [broken = 5] (0:540:1 - 1)
		IfNotBlocked
		reached[0][282] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 5;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=5))(540, 283, 540) */
		reached[0][283] = 1;
		spin_assert((((int)now.broken)!=5), "(broken!=5)", II, tt, t);
		/* merge: .(goto)(540, 285, 540) */
		reached[0][285] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 199: // STATE 288 - handshake.pml:286 - [(((gw==running)&&(s[cur].what==5)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][288] = 1;
		if (!(((now.gw==2)&&(((int)now.s[ Index(((int)now.cur), 4) ].what)==5))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 200: // STATE 289 - handshake.pml:287 - [{c_code6}] (0:0:0 - 1)
		IfNotBlocked
		reached[0][289] = 1;
		/* c_code6 */
		{ 
		sv_save(); came_to[5]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 201: // STATE 290 - handshake.pml:148 - [s[cur].what = 0] (0:540:6 - 1)
		IfNotBlocked
		reached[0][290] = 1;
		(trpt+1)->bup.ovals = grab_ints(6);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(540, 291, 540) */
		reached[0][291] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(540, 292, 540) */
		reached[0][292] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(540, 293, 540) */
		reached[0][293] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(540, 294, 540) */
		reached[0][294] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(540, 295, 540) */
		reached[0][295] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 6 */
	case 202: // STATE 298 - handshake.pml:289 - [((((gw==running)&&(s[cur].what==0))&&(nonces<nonces_max)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][298] = 1;
		if (!((((now.gw==2)&&(((int)now.s[ Index(((int)now.cur), 4) ].what)==0))&&(((int)now.nonces)<((int)now.nonces_max)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 203: // STATE 299 - handshake.pml:240 - [nonces = (nonces+1)] (0:540:5 - 1)
		IfNotBlocked
		reached[0][299] = 1;
		(trpt+1)->bup.ovals = grab_ints(5);
		(trpt+1)->bup.ovals[0] = ((int)now.nonces);
		now.nonces = (((int)now.nonces)+1);
#ifdef VAR_RANGES
		logval("nonces", ((int)now.nonces));
#endif
		;
		/* merge: nonce = nonces(540, 300, 540) */
		reached[0][300] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = ((int)now.nonces);
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: s[cur].what = 1(540, 301, 540) */
		reached[0][301] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 1;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = nonce(540, 302, 540) */
		reached[0][302] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = ((int)now.nonce);
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: gw = 1(540, 303, 540) */
		reached[0][303] = 1;
		(trpt+1)->bup.ovals[4] = now.gw;
		now.gw = 1;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 5 */
	case 204: // STATE 306 - handshake.pml:290 - [(((gw==asked_again)&&(s[cur].what==4)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][306] = 1;
		if (!(((now.gw==1)&&(((int)now.s[ Index(((int)now.cur), 4) ].what)==4))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 205: // STATE 307 - handshake.pml:291 - [{c_code7}] (0:0:0 - 1)
		IfNotBlocked
		reached[0][307] = 1;
		/* c_code7 */
		{ 
		sv_save(); came_to[6]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 206: // STATE 308 - handshake.pml:219 - [e = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[0][308] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 207: // STATE 309 - handshake.pml:220 - [(((((((0<quotes)&&((rule==1)||(q[0].exporter==cur)))&&((rule==2)||(q[0].key==s[cur].key)))&&((rule==3)||(q[0].serves==1)))&&((rule==5)||(q[0].version==s[cur].version)))&&((rule==4)||(q[0].nonce==nonce))))] (450:0:1 - 1)
		IfNotBlocked
		reached[0][309] = 1;
		if (!(((((((0<((int)now.quotes))&&((((int)now.rule)==1)||(((int)now.q[0].exporter)==((int)now.cur))))&&((((int)now.rule)==2)||(((int)now.q[0].key)==((int)now.s[ Index(((int)now.cur), 4) ].key))))&&((((int)now.rule)==3)||(((int)now.q[0].serves)==1)))&&((((int)now.rule)==5)||(((int)now.q[0].version)==((int)now.s[ Index(((int)now.cur), 4) ].version))))&&((((int)now.rule)==4)||(((int)now.q[0].nonce)==((int)now.nonce))))))
			continue;
		/* merge: e = 0(0, 310, 450) */
		reached[0][310] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		/* merge: .(goto)(0, 319, 450) */
		reached[0][319] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 208: // STATE 311 - handshake.pml:221 - [(((((((1<quotes)&&((rule==1)||(q[1].exporter==cur)))&&((rule==2)||(q[1].key==s[cur].key)))&&((rule==3)||(q[1].serves==1)))&&((rule==5)||(q[1].version==s[cur].version)))&&((rule==4)||(q[1].nonce==nonce))))] (450:0:1 - 1)
		IfNotBlocked
		reached[0][311] = 1;
		if (!(((((((1<((int)now.quotes))&&((((int)now.rule)==1)||(((int)now.q[1].exporter)==((int)now.cur))))&&((((int)now.rule)==2)||(((int)now.q[1].key)==((int)now.s[ Index(((int)now.cur), 4) ].key))))&&((((int)now.rule)==3)||(((int)now.q[1].serves)==1)))&&((((int)now.rule)==5)||(((int)now.q[1].version)==((int)now.s[ Index(((int)now.cur), 4) ].version))))&&((((int)now.rule)==4)||(((int)now.q[1].nonce)==((int)now.nonce))))))
			continue;
		/* merge: e = 1(0, 312, 450) */
		reached[0][312] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 1;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		/* merge: .(goto)(0, 319, 450) */
		reached[0][319] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 209: // STATE 313 - handshake.pml:222 - [(((((((2<quotes)&&((rule==1)||(q[2].exporter==cur)))&&((rule==2)||(q[2].key==s[cur].key)))&&((rule==3)||(q[2].serves==1)))&&((rule==5)||(q[2].version==s[cur].version)))&&((rule==4)||(q[2].nonce==nonce))))] (450:0:1 - 1)
		IfNotBlocked
		reached[0][313] = 1;
		if (!(((((((2<((int)now.quotes))&&((((int)now.rule)==1)||(((int)now.q[2].exporter)==((int)now.cur))))&&((((int)now.rule)==2)||(((int)now.q[2].key)==((int)now.s[ Index(((int)now.cur), 4) ].key))))&&((((int)now.rule)==3)||(((int)now.q[2].serves)==1)))&&((((int)now.rule)==5)||(((int)now.q[2].version)==((int)now.s[ Index(((int)now.cur), 4) ].version))))&&((((int)now.rule)==4)||(((int)now.q[2].nonce)==((int)now.nonce))))))
			continue;
		/* merge: e = 2(0, 314, 450) */
		reached[0][314] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 2;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		/* merge: .(goto)(0, 319, 450) */
		reached[0][319] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 210: // STATE 315 - handshake.pml:223 - [(((rule==6)||(rule==7)))] (450:0:1 - 1)
		IfNotBlocked
		reached[0][315] = 1;
		if (!(((((int)now.rule)==6)||(((int)now.rule)==7))))
			continue;
		/* merge: e = 10(0, 316, 450) */
		reached[0][316] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 10;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		/* merge: .(goto)(0, 319, 450) */
		reached[0][319] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 211: // STATE 317 - handshake.pml:224 - [e = 11] (0:0:1 - 1)
		IfNotBlocked
		reached[0][317] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 11;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 212: // STATE 320 - handshake.pml:227 - [(((e!=11)&&(((rule==13)||(s[cur].epoch==0))||((s[cur].id==holder)&&((s[cur].epoch==confirmed)||(s[cur].epoch==begun))))))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][320] = 1;
		if (!(((((int)((P0 *)_this)->_6_10_10_e)!=11)&&(((((int)now.rule)==13)||(((int)now.s[ Index(((int)now.cur), 4) ].epoch)==0))||((((int)now.s[ Index(((int)now.cur), 4) ].id)==((int)now.holder))&&((((int)now.s[ Index(((int)now.cur), 4) ].epoch)==((int)now.confirmed))||(((int)now.s[ Index(((int)now.cur), 4) ].epoch)==((int)now.begun))))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 213: // STATE 321 - handshake.pml:192 - [((s[cur].peer!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][321] = 1;
		if (!((((int)now.s[ Index(((int)now.cur), 4) ].peer)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 214: // STATE 324 - handshake.pml:192 - [broken = 3] (0:333:1 - 1)
		IfNotBlocked
		reached[0][324] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 3;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=3))(333, 325, 333) */
		reached[0][325] = 1;
		spin_assert((((int)now.broken)!=3), "(broken!=3)", II, tt, t);
		/* merge: .(goto)(0, 327, 333) */
		reached[0][327] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 215: // STATE 328 - handshake.pml:193 - [((s[cur].key==s[cur].peer))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][328] = 1;
		if (!((((int)now.s[ Index(((int)now.cur), 4) ].key)==((int)now.s[ Index(((int)now.cur), 4) ].peer))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 216: // STATE 331 - handshake.pml:193 - [broken = 3] (0:340:1 - 1)
		IfNotBlocked
		reached[0][331] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 3;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=3))(340, 332, 340) */
		reached[0][332] = 1;
		spin_assert((((int)now.broken)!=3), "(broken!=3)", II, tt, t);
		/* merge: .(goto)(0, 334, 340) */
		reached[0][334] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 217: // STATE 335 - handshake.pml:194 - [((s[cur].serves==1))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][335] = 1;
		if (!((((int)now.s[ Index(((int)now.cur), 4) ].serves)==1)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 218: // STATE 338 - handshake.pml:194 - [broken = 3] (0:347:1 - 1)
		IfNotBlocked
		reached[0][338] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 3;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=3))(347, 339, 347) */
		reached[0][339] = 1;
		spin_assert((((int)now.broken)!=3), "(broken!=3)", II, tt, t);
		/* merge: .(goto)(0, 341, 347) */
		reached[0][341] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 219: // STATE 342 - handshake.pml:195 - [(((e>=3)||(q[e].nonce==nonce)))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][342] = 1;
		if (!(((((int)((P0 *)_this)->_6_10_10_e)>=3)||(((int)now.q[ Index(((int)((P0 *)_this)->_6_10_10_e), 3) ].nonce)==((int)now.nonce)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 220: // STATE 345 - handshake.pml:195 - [broken = 4] (0:354:1 - 1)
		IfNotBlocked
		reached[0][345] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 4;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=4))(354, 346, 354) */
		reached[0][346] = 1;
		spin_assert((((int)now.broken)!=4), "(broken!=4)", II, tt, t);
		/* merge: .(goto)(0, 348, 354) */
		reached[0][348] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 221: // STATE 349 - handshake.pml:196 - [(((s[cur].epoch==0)||((latest[s[cur].id]!=99)&&(s[cur].epoch>=latest[s[cur].id]))))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][349] = 1;
		if (!(((((int)now.s[ Index(((int)now.cur), 4) ].epoch)==0)||((((int)now.latest[ Index(((int)now.s[ Index(((int)now.cur), 4) ].id), 4) ])!=99)&&(((int)now.s[ Index(((int)now.cur), 4) ].epoch)>=((int)now.latest[ Index(((int)now.s[ Index(((int)now.cur), 4) ].id), 4) ]))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 222: // STATE 350 - handshake.pml:196 - [(1)] (365:0:2 - 1)
		IfNotBlocked
		reached[0][350] = 1;
		if (!(1))
			continue;
		/* merge: .(goto)(365, 355, 365) */
		reached[0][355] = 1;
		;
		/* merge: gw = 2(365, 357, 365) */
		reached[0][357] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = now.gw;
		now.gw = 2;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: nonce = 0(365, 358, 365) */
		reached[0][358] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		_m = 3; goto P999; /* 3 */
	case 223: // STATE 352 - handshake.pml:196 - [broken = 6] (0:365:3 - 1)
		IfNotBlocked
		reached[0][352] = 1;
		(trpt+1)->bup.ovals = grab_ints(3);
		(trpt+1)->bup.ovals[0] = ((int)now.broken);
		now.broken = 6;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=6))(365, 353, 365) */
		reached[0][353] = 1;
		spin_assert((((int)now.broken)!=6), "(broken!=6)", II, tt, t);
		/* merge: .(goto)(365, 355, 365) */
		reached[0][355] = 1;
		;
		/* merge: gw = 2(365, 357, 365) */
		reached[0][357] = 1;
		(trpt+1)->bup.ovals[1] = now.gw;
		now.gw = 2;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: nonce = 0(365, 358, 365) */
		reached[0][358] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		_m = 3; goto P999; /* 4 */
	case 224: // STATE 357 - handshake.pml:229 - [gw = 2] (0:365:2 - 3)
		IfNotBlocked
		reached[0][357] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = now.gw;
		now.gw = 2;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: nonce = 0(365, 358, 365) */
		reached[0][358] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 225: // STATE 359 - handshake.pml:148 - [s[cur].what = 0] (0:540:7 - 1)
		IfNotBlocked
		reached[0][359] = 1;
		(trpt+1)->bup.ovals = grab_ints(7);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(540, 360, 540) */
		reached[0][360] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(540, 361, 540) */
		reached[0][361] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(540, 362, 540) */
		reached[0][362] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(540, 363, 540) */
		reached[0][363] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(540, 364, 540) */
		reached[0][364] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: .(goto)(540, 451, 540) */
		reached[0][451] = 1;
		;
		/* merge: e = 0(540, 452, 540) */
		reached[0][452] = 1;
		(trpt+1)->bup.ovals[6] = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 8 */
	case 226: // STATE 451 - handshake.pml:235 - [.(goto)] (0:540:1 - 3)
		IfNotBlocked
		reached[0][451] = 1;
		;
		/* merge: e = 0(540, 452, 540) */
		reached[0][452] = 1;
		(trpt+1)->bup.oval = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 227: // STATE 366 - handshake.pml:230 - [(((e!=11)&&!((((rule==13)||(s[cur].epoch==0))||((s[cur].id==holder)&&((s[cur].epoch==confirmed)||(s[cur].epoch==begun)))))))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][366] = 1;
		if (!(((((int)((P0 *)_this)->_6_10_10_e)!=11)&& !((((((int)now.rule)==13)||(((int)now.s[ Index(((int)now.cur), 4) ].epoch)==0))||((((int)now.s[ Index(((int)now.cur), 4) ].id)==((int)now.holder))&&((((int)now.s[ Index(((int)now.cur), 4) ].epoch)==((int)now.confirmed))||(((int)now.s[ Index(((int)now.cur), 4) ].epoch)==((int)now.begun)))))))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 228: // STATE 367 - handshake.pml:231 - [{c_code8}] (0:0:0 - 1)
		IfNotBlocked
		reached[0][367] = 1;
		/* c_code8 */
		{ 
		sv_save(); came_to[1]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 229: // STATE 368 - handshake.pml:231 - [is_lost = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[0][368] = 1;
		(trpt+1)->bup.oval = ((int)now.is_lost);
		now.is_lost = 1;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 230: // STATE 369 - handshake.pml:204 - [((is_lost&&!((rule==17))))] (379:0:1 - 1)
		IfNotBlocked
		reached[0][369] = 1;
		if (!((((int)now.is_lost)&& !((((int)now.rule)==17)))))
			continue;
		/* merge: using = 0(0, 370, 379) */
		reached[0][370] = 1;
		(trpt+1)->bup.oval = ((int)now.using);
		now.using = 0;
#ifdef VAR_RANGES
		logval("using", ((int)now.using));
#endif
		;
		/* merge: .(goto)(0, 373, 379) */
		reached[0][373] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 231: // STATE 374 - handshake.pml:207 - [((!(is_lost)||!(using)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][374] = 1;
		if (!(( !(((int)now.is_lost))|| !(((int)now.using)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 232: // STATE 377 - handshake.pml:207 - [broken = 8] (0:401:1 - 1)
		IfNotBlocked
		reached[0][377] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 8;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=8))(401, 378, 401) */
		reached[0][378] = 1;
		spin_assert((((int)now.broken)!=8), "(broken!=8)", II, tt, t);
		/* merge: .(goto)(0, 380, 401) */
		reached[0][380] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 233: // STATE 381 - handshake.pml:209 - [((cur!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][381] = 1;
		if (!((((int)now.cur)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 234: // STATE 382 - handshake.pml:159 - [s[cur].has_client = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[0][382] = 1;
		(trpt+1)->bup.oval = ((int)now.s[ Index(((int)now.cur), 4) ].has_client);
		now.s[ Index(now.cur, 4) ].has_client = 0;
#ifdef VAR_RANGES
		logval("s[cur].has_client", ((int)now.s[ Index(((int)now.cur), 4) ].has_client));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 235: // STATE 383 - handshake.pml:161 - [(!(s[cur].has_image))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][383] = 1;
		if (!( !(((int)now.s[ Index(((int)now.cur), 4) ].has_image))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 236: // STATE 384 - handshake.pml:148 - [s[cur].what = 0] (0:540:15 - 1)
		IfNotBlocked
		reached[0][384] = 1;
		(trpt+1)->bup.ovals = grab_ints(15);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(540, 385, 540) */
		reached[0][385] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(540, 386, 540) */
		reached[0][386] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(540, 387, 540) */
		reached[0][387] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(540, 388, 540) */
		reached[0][388] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(540, 389, 540) */
		reached[0][389] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: s[cur].key = 0(540, 391, 540) */
		reached[0][391] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.cur), 4) ].key);
		now.s[ Index(now.cur, 4) ].key = 0;
#ifdef VAR_RANGES
		logval("s[cur].key", ((int)now.s[ Index(((int)now.cur), 4) ].key));
#endif
		;
		/* merge: s[cur].peer = 0(540, 392, 540) */
		reached[0][392] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)now.cur), 4) ].peer);
		now.s[ Index(now.cur, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[cur].peer", ((int)now.s[ Index(((int)now.cur), 4) ].peer));
#endif
		;
		/* merge: s[cur].serves = 0(540, 393, 540) */
		reached[0][393] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)now.cur), 4) ].serves);
		now.s[ Index(now.cur, 4) ].serves = 0;
#ifdef VAR_RANGES
		logval("s[cur].serves", ((int)now.s[ Index(((int)now.cur), 4) ].serves));
#endif
		;
		/* merge: s[cur].is_adv = 0(540, 394, 540) */
		reached[0][394] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)now.cur), 4) ].is_adv);
		now.s[ Index(now.cur, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[cur].is_adv", ((int)now.s[ Index(((int)now.cur), 4) ].is_adv));
#endif
		;
		/* merge: .(goto)(540, 398, 540) */
		reached[0][398] = 1;
		;
		/* merge: .(goto)(540, 402, 540) */
		reached[0][402] = 1;
		;
		/* merge: cur = 0(540, 403, 540) */
		reached[0][403] = 1;
		(trpt+1)->bup.ovals[10] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 404, 540) */
		reached[0][404] = 1;
		(trpt+1)->bup.ovals[11] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 405, 540) */
		reached[0][405] = 1;
		(trpt+1)->bup.ovals[12] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 406, 540) */
		reached[0][406] = 1;
		(trpt+1)->bup.ovals[13] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 451, 540) */
		reached[0][451] = 1;
		;
		/* merge: e = 0(540, 452, 540) */
		reached[0][452] = 1;
		(trpt+1)->bup.ovals[14] = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 18 */
	case 237: // STATE 403 - handshake.pml:212 - [cur = 0] (0:540:5 - 5)
		IfNotBlocked
		reached[0][403] = 1;
		(trpt+1)->bup.ovals = grab_ints(5);
		(trpt+1)->bup.ovals[0] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 404, 540) */
		reached[0][404] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 405, 540) */
		reached[0][405] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 406, 540) */
		reached[0][406] = 1;
		(trpt+1)->bup.ovals[3] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 451, 540) */
		reached[0][451] = 1;
		;
		/* merge: e = 0(540, 452, 540) */
		reached[0][452] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 6 */
	case 238: // STATE 408 - handshake.pml:232 - [((e==11))] (0:0:1 - 1)
		IfNotBlocked
		reached[0][408] = 1;
		if (!((((int)((P0 *)_this)->_6_10_10_e)==11)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 239: // STATE 409 - handshake.pml:233 - [{c_code9}] (0:0:0 - 1)
		IfNotBlocked
		reached[0][409] = 1;
		/* c_code9 */
		{ 
		sv_save(); came_to[2]++;  }

#if defined(C_States) && (HAS_TRACK==1)
		c_update((uchar *) &(now.c_state[0]));
#endif
;
		_m = 3; goto P999; /* 0 */
	case 240: // STATE 410 - handshake.pml:233 - [is_lost = 1] (0:0:1 - 1)
		IfNotBlocked
		reached[0][410] = 1;
		(trpt+1)->bup.oval = ((int)now.is_lost);
		now.is_lost = 1;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 241: // STATE 411 - handshake.pml:204 - [((is_lost&&!((rule==17))))] (421:0:1 - 1)
		IfNotBlocked
		reached[0][411] = 1;
		if (!((((int)now.is_lost)&& !((((int)now.rule)==17)))))
			continue;
		/* merge: using = 0(0, 412, 421) */
		reached[0][412] = 1;
		(trpt+1)->bup.oval = ((int)now.using);
		now.using = 0;
#ifdef VAR_RANGES
		logval("using", ((int)now.using));
#endif
		;
		/* merge: .(goto)(0, 415, 421) */
		reached[0][415] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 242: // STATE 416 - handshake.pml:207 - [((!(is_lost)||!(using)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][416] = 1;
		if (!(( !(((int)now.is_lost))|| !(((int)now.using)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 243: // STATE 419 - handshake.pml:207 - [broken = 8] (0:443:1 - 1)
		IfNotBlocked
		reached[0][419] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 8;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=8))(443, 420, 443) */
		reached[0][420] = 1;
		spin_assert((((int)now.broken)!=8), "(broken!=8)", II, tt, t);
		/* merge: .(goto)(0, 422, 443) */
		reached[0][422] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 244: // STATE 423 - handshake.pml:209 - [((cur!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][423] = 1;
		if (!((((int)now.cur)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 245: // STATE 424 - handshake.pml:159 - [s[cur].has_client = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[0][424] = 1;
		(trpt+1)->bup.oval = ((int)now.s[ Index(((int)now.cur), 4) ].has_client);
		now.s[ Index(now.cur, 4) ].has_client = 0;
#ifdef VAR_RANGES
		logval("s[cur].has_client", ((int)now.s[ Index(((int)now.cur), 4) ].has_client));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 246: // STATE 425 - handshake.pml:161 - [(!(s[cur].has_image))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][425] = 1;
		if (!( !(((int)now.s[ Index(((int)now.cur), 4) ].has_image))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 247: // STATE 426 - handshake.pml:148 - [s[cur].what = 0] (0:540:15 - 1)
		IfNotBlocked
		reached[0][426] = 1;
		(trpt+1)->bup.ovals = grab_ints(15);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(540, 427, 540) */
		reached[0][427] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(540, 428, 540) */
		reached[0][428] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(540, 429, 540) */
		reached[0][429] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(540, 430, 540) */
		reached[0][430] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(540, 431, 540) */
		reached[0][431] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: s[cur].key = 0(540, 433, 540) */
		reached[0][433] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.cur), 4) ].key);
		now.s[ Index(now.cur, 4) ].key = 0;
#ifdef VAR_RANGES
		logval("s[cur].key", ((int)now.s[ Index(((int)now.cur), 4) ].key));
#endif
		;
		/* merge: s[cur].peer = 0(540, 434, 540) */
		reached[0][434] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)now.cur), 4) ].peer);
		now.s[ Index(now.cur, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[cur].peer", ((int)now.s[ Index(((int)now.cur), 4) ].peer));
#endif
		;
		/* merge: s[cur].serves = 0(540, 435, 540) */
		reached[0][435] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)now.cur), 4) ].serves);
		now.s[ Index(now.cur, 4) ].serves = 0;
#ifdef VAR_RANGES
		logval("s[cur].serves", ((int)now.s[ Index(((int)now.cur), 4) ].serves));
#endif
		;
		/* merge: s[cur].is_adv = 0(540, 436, 540) */
		reached[0][436] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)now.cur), 4) ].is_adv);
		now.s[ Index(now.cur, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[cur].is_adv", ((int)now.s[ Index(((int)now.cur), 4) ].is_adv));
#endif
		;
		/* merge: .(goto)(540, 440, 540) */
		reached[0][440] = 1;
		;
		/* merge: .(goto)(540, 444, 540) */
		reached[0][444] = 1;
		;
		/* merge: cur = 0(540, 445, 540) */
		reached[0][445] = 1;
		(trpt+1)->bup.ovals[10] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 446, 540) */
		reached[0][446] = 1;
		(trpt+1)->bup.ovals[11] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 447, 540) */
		reached[0][447] = 1;
		(trpt+1)->bup.ovals[12] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 448, 540) */
		reached[0][448] = 1;
		(trpt+1)->bup.ovals[13] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 451, 540) */
		reached[0][451] = 1;
		;
		/* merge: e = 0(540, 452, 540) */
		reached[0][452] = 1;
		(trpt+1)->bup.ovals[14] = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 18 */
	case 248: // STATE 445 - handshake.pml:212 - [cur = 0] (0:540:5 - 5)
		IfNotBlocked
		reached[0][445] = 1;
		(trpt+1)->bup.ovals = grab_ints(5);
		(trpt+1)->bup.ovals[0] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 446, 540) */
		reached[0][446] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 447, 540) */
		reached[0][447] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 448, 540) */
		reached[0][448] = 1;
		(trpt+1)->bup.ovals[3] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(540, 451, 540) */
		reached[0][451] = 1;
		;
		/* merge: e = 0(540, 452, 540) */
		reached[0][452] = 1;
		(trpt+1)->bup.ovals[4] = ((int)((P0 *)_this)->_6_10_10_e);
		((P0 *)_this)->_6_10_10_e = 0;
#ifdef VAR_RANGES
		logval("gateway:e", ((int)((P0 *)_this)->_6_10_10_e));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 6 */
	case 249: // STATE 455 - handshake.pml:293 - [(((cur!=0)&&(gw!=idle)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][455] = 1;
		if (!(((((int)now.cur)!=0)&&(now.gw!=6))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 250: // STATE 456 - handshake.pml:204 - [((is_lost&&!((rule==17))))] (466:0:1 - 1)
		IfNotBlocked
		reached[0][456] = 1;
		if (!((((int)now.is_lost)&& !((((int)now.rule)==17)))))
			continue;
		/* merge: using = 0(0, 457, 466) */
		reached[0][457] = 1;
		(trpt+1)->bup.oval = ((int)now.using);
		now.using = 0;
#ifdef VAR_RANGES
		logval("using", ((int)now.using));
#endif
		;
		/* merge: .(goto)(0, 460, 466) */
		reached[0][460] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 251: // STATE 461 - handshake.pml:207 - [((!(is_lost)||!(using)))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][461] = 1;
		if (!(( !(((int)now.is_lost))|| !(((int)now.using)))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 252: // STATE 464 - handshake.pml:207 - [broken = 8] (0:488:1 - 1)
		IfNotBlocked
		reached[0][464] = 1;
		(trpt+1)->bup.oval = ((int)now.broken);
		now.broken = 8;
#ifdef VAR_RANGES
		logval("broken", ((int)now.broken));
#endif
		;
		/* merge: assert((broken!=8))(488, 465, 488) */
		reached[0][465] = 1;
		spin_assert((((int)now.broken)!=8), "(broken!=8)", II, tt, t);
		/* merge: .(goto)(0, 467, 488) */
		reached[0][467] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 253: // STATE 468 - handshake.pml:209 - [((cur!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][468] = 1;
		if (!((((int)now.cur)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 254: // STATE 469 - handshake.pml:159 - [s[cur].has_client = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[0][469] = 1;
		(trpt+1)->bup.oval = ((int)now.s[ Index(((int)now.cur), 4) ].has_client);
		now.s[ Index(now.cur, 4) ].has_client = 0;
#ifdef VAR_RANGES
		logval("s[cur].has_client", ((int)now.s[ Index(((int)now.cur), 4) ].has_client));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 255: // STATE 470 - handshake.pml:161 - [(!(s[cur].has_image))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][470] = 1;
		if (!( !(((int)now.s[ Index(((int)now.cur), 4) ].has_image))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 256: // STATE 471 - handshake.pml:148 - [s[cur].what = 0] (0:540:14 - 1)
		IfNotBlocked
		reached[0][471] = 1;
		(trpt+1)->bup.ovals = grab_ints(14);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(540, 472, 540) */
		reached[0][472] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(540, 473, 540) */
		reached[0][473] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(540, 474, 540) */
		reached[0][474] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(540, 475, 540) */
		reached[0][475] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(540, 476, 540) */
		reached[0][476] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: s[cur].key = 0(540, 478, 540) */
		reached[0][478] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.cur), 4) ].key);
		now.s[ Index(now.cur, 4) ].key = 0;
#ifdef VAR_RANGES
		logval("s[cur].key", ((int)now.s[ Index(((int)now.cur), 4) ].key));
#endif
		;
		/* merge: s[cur].peer = 0(540, 479, 540) */
		reached[0][479] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)now.cur), 4) ].peer);
		now.s[ Index(now.cur, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[cur].peer", ((int)now.s[ Index(((int)now.cur), 4) ].peer));
#endif
		;
		/* merge: s[cur].serves = 0(540, 480, 540) */
		reached[0][480] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)now.cur), 4) ].serves);
		now.s[ Index(now.cur, 4) ].serves = 0;
#ifdef VAR_RANGES
		logval("s[cur].serves", ((int)now.s[ Index(((int)now.cur), 4) ].serves));
#endif
		;
		/* merge: s[cur].is_adv = 0(540, 481, 540) */
		reached[0][481] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)now.cur), 4) ].is_adv);
		now.s[ Index(now.cur, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[cur].is_adv", ((int)now.s[ Index(((int)now.cur), 4) ].is_adv));
#endif
		;
		/* merge: .(goto)(540, 485, 540) */
		reached[0][485] = 1;
		;
		/* merge: .(goto)(540, 489, 540) */
		reached[0][489] = 1;
		;
		/* merge: cur = 0(540, 490, 540) */
		reached[0][490] = 1;
		(trpt+1)->bup.ovals[10] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 491, 540) */
		reached[0][491] = 1;
		(trpt+1)->bup.ovals[11] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 492, 540) */
		reached[0][492] = 1;
		(trpt+1)->bup.ovals[12] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 493, 540) */
		reached[0][493] = 1;
		(trpt+1)->bup.ovals[13] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 16 */
	case 257: // STATE 490 - handshake.pml:212 - [cur = 0] (0:540:4 - 5)
		IfNotBlocked
		reached[0][490] = 1;
		(trpt+1)->bup.ovals = grab_ints(4);
		(trpt+1)->bup.ovals[0] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: nonce = 0(540, 491, 540) */
		reached[0][491] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.nonce);
		now.nonce = 0;
#ifdef VAR_RANGES
		logval("nonce", ((int)now.nonce));
#endif
		;
		/* merge: is_lost = 0(540, 492, 540) */
		reached[0][492] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.is_lost);
		now.is_lost = 0;
#ifdef VAR_RANGES
		logval("is_lost", ((int)now.is_lost));
#endif
		;
		/* merge: gw = idle(540, 493, 540) */
		reached[0][493] = 1;
		(trpt+1)->bup.ovals[3] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 4 */
	case 258: // STATE 496 - handshake.pml:295 - [(((cur==0)&&using))] (540:0:1 - 1)
		IfNotBlocked
		reached[0][496] = 1;
		if (!(((((int)now.cur)==0)&&((int)now.using))))
			continue;
		/* merge: using = 0(0, 497, 540) */
		reached[0][497] = 1;
		(trpt+1)->bup.oval = ((int)now.using);
		now.using = 0;
#ifdef VAR_RANGES
		logval("using", ((int)now.using));
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 259: // STATE 499 - handshake.pml:297 - [(((restarts<1)&&((gw==idle)||(gw==running))))] (522:0:2 - 1)
		IfNotBlocked
		reached[0][499] = 1;
		if (!(((((int)now.restarts)<1)&&((now.gw==6)||(now.gw==2)))))
			continue;
		/* merge: restarts = (restarts+1)(522, 500, 522) */
		reached[0][500] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.restarts);
		now.restarts = (((int)now.restarts)+1);
#ifdef VAR_RANGES
		logval("restarts", ((int)now.restarts));
#endif
		;
		/* merge: using = 0(522, 501, 522) */
		reached[0][501] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.using);
		now.using = 0;
#ifdef VAR_RANGES
		logval("using", ((int)now.using));
#endif
		;
		_m = 3; goto P999; /* 2 */
	case 260: // STATE 502 - handshake.pml:300 - [((cur!=0))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][502] = 1;
		if (!((((int)now.cur)!=0)))
			continue;
		_m = 3; goto P999; /* 0 */
	case 261: // STATE 503 - handshake.pml:159 - [s[cur].has_client = 0] (0:0:1 - 1)
		IfNotBlocked
		reached[0][503] = 1;
		(trpt+1)->bup.oval = ((int)now.s[ Index(((int)now.cur), 4) ].has_client);
		now.s[ Index(now.cur, 4) ].has_client = 0;
#ifdef VAR_RANGES
		logval("s[cur].has_client", ((int)now.s[ Index(((int)now.cur), 4) ].has_client));
#endif
		;
		_m = 3; goto P999; /* 0 */
	case 262: // STATE 504 - handshake.pml:161 - [(!(s[cur].has_image))] (0:0:0 - 1)
		IfNotBlocked
		reached[0][504] = 1;
		if (!( !(((int)now.s[ Index(((int)now.cur), 4) ].has_image))))
			continue;
		_m = 3; goto P999; /* 0 */
	case 263: // STATE 505 - handshake.pml:148 - [s[cur].what = 0] (0:529:12 - 1)
		IfNotBlocked
		reached[0][505] = 1;
		(trpt+1)->bup.ovals = grab_ints(12);
		(trpt+1)->bup.ovals[0] = ((int)now.s[ Index(((int)now.cur), 4) ].what);
		now.s[ Index(now.cur, 4) ].what = 0;
#ifdef VAR_RANGES
		logval("s[cur].what", ((int)now.s[ Index(((int)now.cur), 4) ].what));
#endif
		;
		/* merge: s[cur].a = 0(529, 506, 529) */
		reached[0][506] = 1;
		(trpt+1)->bup.ovals[1] = ((int)now.s[ Index(((int)now.cur), 4) ].a);
		now.s[ Index(now.cur, 4) ].a = 0;
#ifdef VAR_RANGES
		logval("s[cur].a", ((int)now.s[ Index(((int)now.cur), 4) ].a));
#endif
		;
		/* merge: s[cur].b = 0(529, 507, 529) */
		reached[0][507] = 1;
		(trpt+1)->bup.ovals[2] = ((int)now.s[ Index(((int)now.cur), 4) ].b);
		now.s[ Index(now.cur, 4) ].b = 0;
#ifdef VAR_RANGES
		logval("s[cur].b", ((int)now.s[ Index(((int)now.cur), 4) ].b));
#endif
		;
		/* merge: s[cur].version = 0(529, 508, 529) */
		reached[0][508] = 1;
		(trpt+1)->bup.ovals[3] = ((int)now.s[ Index(((int)now.cur), 4) ].version);
		now.s[ Index(now.cur, 4) ].version = 0;
#ifdef VAR_RANGES
		logval("s[cur].version", ((int)now.s[ Index(((int)now.cur), 4) ].version));
#endif
		;
		/* merge: s[cur].id = 0(529, 509, 529) */
		reached[0][509] = 1;
		(trpt+1)->bup.ovals[4] = ((int)now.s[ Index(((int)now.cur), 4) ].id);
		now.s[ Index(now.cur, 4) ].id = 0;
#ifdef VAR_RANGES
		logval("s[cur].id", ((int)now.s[ Index(((int)now.cur), 4) ].id));
#endif
		;
		/* merge: s[cur].epoch = 0(529, 510, 529) */
		reached[0][510] = 1;
		(trpt+1)->bup.ovals[5] = ((int)now.s[ Index(((int)now.cur), 4) ].epoch);
		now.s[ Index(now.cur, 4) ].epoch = 0;
#ifdef VAR_RANGES
		logval("s[cur].epoch", ((int)now.s[ Index(((int)now.cur), 4) ].epoch));
#endif
		;
		/* merge: s[cur].key = 0(529, 512, 529) */
		reached[0][512] = 1;
		(trpt+1)->bup.ovals[6] = ((int)now.s[ Index(((int)now.cur), 4) ].key);
		now.s[ Index(now.cur, 4) ].key = 0;
#ifdef VAR_RANGES
		logval("s[cur].key", ((int)now.s[ Index(((int)now.cur), 4) ].key));
#endif
		;
		/* merge: s[cur].peer = 0(529, 513, 529) */
		reached[0][513] = 1;
		(trpt+1)->bup.ovals[7] = ((int)now.s[ Index(((int)now.cur), 4) ].peer);
		now.s[ Index(now.cur, 4) ].peer = 0;
#ifdef VAR_RANGES
		logval("s[cur].peer", ((int)now.s[ Index(((int)now.cur), 4) ].peer));
#endif
		;
		/* merge: s[cur].serves = 0(529, 514, 529) */
		reached[0][514] = 1;
		(trpt+1)->bup.ovals[8] = ((int)now.s[ Index(((int)now.cur), 4) ].serves);
		now.s[ Index(now.cur, 4) ].serves = 0;
#ifdef VAR_RANGES
		logval("s[cur].serves", ((int)now.s[ Index(((int)now.cur), 4) ].serves));
#endif
		;
		/* merge: s[cur].is_adv = 0(529, 515, 529) */
		reached[0][515] = 1;
		(trpt+1)->bup.ovals[9] = ((int)now.s[ Index(((int)now.cur), 4) ].is_adv);
		now.s[ Index(now.cur, 4) ].is_adv = 0;
#ifdef VAR_RANGES
		logval("s[cur].is_adv", ((int)now.s[ Index(((int)now.cur), 4) ].is_adv));
#endif
		;
		/* merge: .(goto)(529, 519, 529) */
		reached[0][519] = 1;
		;
		/* merge: .(goto)(529, 523, 529) */
		reached[0][523] = 1;
		;
		/* merge: cur = 0(529, 524, 529) */
		reached[0][524] = 1;
		(trpt+1)->bup.ovals[10] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: gw = idle(529, 525, 529) */
		reached[0][525] = 1;
		(trpt+1)->bup.ovals[11] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		_m = 3; goto P999; /* 13 */
	case 264: // STATE 524 - handshake.pml:303 - [cur = 0] (0:529:2 - 5)
		IfNotBlocked
		reached[0][524] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.cur);
		now.cur = 0;
#ifdef VAR_RANGES
		logval("cur", ((int)now.cur));
#endif
		;
		/* merge: gw = idle(529, 525, 529) */
		reached[0][525] = 1;
		(trpt+1)->bup.ovals[1] = now.gw;
		now.gw = 6;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		_m = 3; goto P999; /* 1 */
	case 265: // STATE 526 - handshake.pml:305 - [((rule==11))] (533:0:1 - 1)
		IfNotBlocked
		reached[0][526] = 1;
		if (!((((int)now.rule)==11)))
			continue;
		/* merge: high = 0(0, 527, 533) */
		reached[0][527] = 1;
		(trpt+1)->bup.oval = ((int)now.high);
		now.high = 0;
#ifdef VAR_RANGES
		logval("high", ((int)now.high));
#endif
		;
		/* merge: .(goto)(0, 530, 533) */
		reached[0][530] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 266: // STATE 531 - handshake.pml:309 - [policy = 1] (0:540:1 - 1)
		IfNotBlocked
		reached[0][531] = 1;
		(trpt+1)->bup.oval = ((int)now.policy);
		now.policy = 1;
#ifdef VAR_RANGES
		logval("policy", ((int)now.policy));
#endif
		;
		/* merge: .(goto)(540, 534, 540) */
		reached[0][534] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 267: // STATE 534 - handshake.pml:311 - [.(goto)] (0:540:0 - 2)
		IfNotBlocked
		reached[0][534] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 1 */
	case 268: // STATE 532 - handshake.pml:310 - [policy = 2] (0:540:1 - 1)
		IfNotBlocked
		reached[0][532] = 1;
		(trpt+1)->bup.oval = ((int)now.policy);
		now.policy = 2;
#ifdef VAR_RANGES
		logval("policy", ((int)now.policy));
#endif
		;
		/* merge: .(goto)(540, 534, 540) */
		reached[0][534] = 1;
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 2 */
	case 269: // STATE 536 - handshake.pml:313 - [((((gw==running)&&(s[cur].what==0))&&(policy==1)))] (540:0:2 - 1)
		IfNotBlocked
		reached[0][536] = 1;
		if (!((((now.gw==2)&&(((int)now.s[ Index(((int)now.cur), 4) ].what)==0))&&(((int)now.policy)==1))))
			continue;
		/* merge: policy = 2(540, 537, 540) */
		reached[0][537] = 1;
		(trpt+1)->bup.ovals = grab_ints(2);
		(trpt+1)->bup.ovals[0] = ((int)now.policy);
		now.policy = 2;
#ifdef VAR_RANGES
		logval("policy", ((int)now.policy));
#endif
		;
		/* merge: gw = judged(540, 538, 540) */
		reached[0][538] = 1;
		(trpt+1)->bup.ovals[1] = now.gw;
		now.gw = 4;
#ifdef VAR_RANGES
		logval("gw", now.gw);
#endif
		;
		/* merge: .(goto)(0, 541, 540) */
		reached[0][541] = 1;
		;
		_m = 3; goto P999; /* 3 */
	case 270: // STATE 543 - handshake.pml:316 - [-end-] (0:0:0 - 1)
		IfNotBlocked
		reached[0][543] = 1;
		if (!delproc(1, II)) continue;
		_m = 3; goto P999; /* 0 */
	case  _T5:	/* np_ */
		if (!((!(trpt->o_pm&4) && !(trpt->tau&128))))
			continue;
		/* else fall through */
	case  _T2:	/* true */
		_m = 3; goto P999;
#undef rand
	}

