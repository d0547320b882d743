#ifdef PEG
struct T_SRC {
	char *fl; int ln;
} T_SRC[NTRANS];

void
tr_2_src(int m, char *file, int ln)
{	T_SRC[m].fl = file;
	T_SRC[m].ln = ln;
}

void
putpeg(int n, int m)
{	printf("%5d	trans %4d ", m, n);
	printf("%s:%d\n",
		T_SRC[n].fl, T_SRC[n].ln);
}
#endif

void
settable(void)
{	Trans *T;
	Trans *settr(int, int, int, int, int, char *, int, int, int);

	trans = (Trans ***) emalloc(5*sizeof(Trans **));

	/* proctype 3: :init: */

	trans[3] = (Trans **) emalloc(6*sizeof(Trans *));

	T = trans[ 3][4] = settr(896,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(896,2,1,0,0,"ATOMIC", 1, 2, 0);
	trans[3][1]	= settr(893,2,2,3,3,"{c_code14}", 1, 2, 0);
	trans[3][2]	= settr(894,2,3,4,4,"(run image(1))", 1, 2, 0);
	trans[3][3]	= settr(895,0,5,5,5,"(run image(2))", 1, 2, 0);
	trans[3][5]	= settr(897,0,0,6,6,"-end-", 0, 3500, 0);

	/* proctype 2: host */

	trans[2] = (Trans **) emalloc(233*sizeof(Trans *));

	trans[2][230]	= settr(890,0,229,1,0,".(goto)", 0, 2, 0);
	T = trans[2][229] = settr(889,0,0,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(889,0,67,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(889,0,70,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(889,0,110,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(889,0,120,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(889,0,130,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(889,0,189,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(889,0,204,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(889,0,228,0,0,"DO", 0, 2, 0);
	T = trans[ 2][67] = settr(727,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(727,2,1,0,0,"ATOMIC", 1, 2, 0);
	trans[2][1]	= settr(661,2,4,7,0,"((starts<starts_max))", 1, 2, 0);
	T = trans[2][4] = settr(664,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(664,2,2,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(664,2,3,0,0,"IF", 1, 2, 0);
	trans[2][2]	= settr(662,2,65,8,8,"i = 1", 1, 2, 0);
	trans[2][5]	= settr(665,2,65,1,0,".(goto)", 1, 2, 0);
	trans[2][3]	= settr(663,2,65,9,9,"i = 2", 1, 2, 0);
	T = trans[ 2][65] = settr(725,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(725,0,6,0,0,"sub-sequence", 1, 2, 0);
	trans[2][6]	= settr(666,2,45,10,10,"starts = (starts+1)", 1, 2, 0);
	T = trans[ 2][45] = settr(705,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(705,0,7,0,0,"sub-sequence", 1, 2, 0);
	trans[2][7]	= settr(667,2,34,11,11,"y = 1", 1, 2, 0);
	trans[2][35]	= settr(695,2,34,1,0,".(goto)", 1, 2, 0);
	T = trans[2][34] = settr(694,2,0,0,0,"DO", 1, 2, 0);
	T = T->nxt	= settr(694,2,8,0,0,"DO", 1, 2, 0);
	    T->nxt	= settr(694,2,32,0,0,"DO", 1, 2, 0);
	trans[2][8]	= settr(668,2,29,12,0,"((y<=3))", 1, 2, 0);
	T = trans[2][29] = settr(689,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(689,2,9,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(689,2,28,0,0,"IF", 1, 2, 0);
	trans[2][9]	= settr(669,2,27,13,0,"(((s[y].peer==i)&&s[y].has_image))", 1, 2, 0);
	T = trans[ 2][27] = settr(687,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(687,0,10,0,0,"sub-sequence", 1, 2, 0);
	trans[2][10]	= settr(670,2,25,14,14,"s[y].has_image = 0", 1, 2, 0);
	T = trans[2][25] = settr(685,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(685,2,11,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(685,2,24,0,0,"IF", 1, 2, 0);
	trans[2][11]	= settr(671,2,23,15,0,"(!(s[y].has_client))", 1, 2, 0);
	T = trans[ 2][23] = settr(683,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(683,0,18,0,0,"sub-sequence", 1, 2, 0);
	T = trans[ 2][18] = settr(678,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(678,0,12,0,0,"sub-sequence", 1, 2, 0);
	trans[2][12]	= settr(672,2,34,16,16,"s[y].what = 0", 1, 2, 0); /* m: 13 -> 0,34 */
	reached2[13] = 1;
	trans[2][13]	= settr(0,0,0,0,0,"s[y].a = 0",0,0,0);
	trans[2][14]	= settr(0,0,0,0,0,"s[y].b = 0",0,0,0);
	trans[2][15]	= settr(0,0,0,0,0,"s[y].version = 0",0,0,0);
	trans[2][16]	= settr(0,0,0,0,0,"s[y].id = 0",0,0,0);
	trans[2][17]	= settr(0,0,0,0,0,"s[y].epoch = 0",0,0,0);
	trans[2][19]	= settr(0,0,0,0,0,"s[y].key = 0",0,0,0);
	trans[2][20]	= settr(0,0,0,0,0,"s[y].peer = 0",0,0,0);
	trans[2][21]	= settr(0,0,0,0,0,"s[y].serves = 0",0,0,0);
	trans[2][22]	= settr(0,0,0,0,0,"s[y].is_adv = 0",0,0,0);
	trans[2][26]	= settr(686,2,31,1,0,".(goto)", 1, 2, 0); /* m: 31 -> 0,34 */
	reached2[31] = 1;
	trans[2][24]	= settr(684,2,31,2,0,"else", 1, 2, 0);
	trans[2][30]	= settr(690,2,31,1,0,".(goto)", 1, 2, 0); /* m: 31 -> 0,34 */
	reached2[31] = 1;
	trans[2][28]	= settr(688,2,31,2,0,"else", 1, 2, 0);
	trans[2][31]	= settr(691,2,34,17,17,"y = (y+1)", 1, 2, 0);
	trans[2][32]	= settr(692,2,37,2,0,"else", 1, 2, 0);
	trans[2][33]	= settr(693,2,37,1,0,"goto :b3", 1, 2, 0); /* m: 37 -> 0,57 */
	reached2[37] = 1;
	trans[2][36]	= settr(696,2,37,1,0,"break", 1, 2, 0);
	trans[2][37]	= settr(697,2,57,18,18,"y = 0", 1, 2, 0); /* m: 38 -> 0,57 */
	reached2[38] = 1;
	trans[2][38]	= settr(0,0,0,0,0,"im[i].is_up = 0",0,0,0);
	trans[2][39]	= settr(0,0,0,0,0,"im[i].has_keys = 0",0,0,0);
	trans[2][40]	= settr(0,0,0,0,0,"im[i].has_foreign = 0",0,0,0);
	trans[2][41]	= settr(0,0,0,0,0,"im[i].known = 0",0,0,0);
	trans[2][42]	= settr(0,0,0,0,0,"im[i].id = 0",0,0,0);
	trans[2][43]	= settr(0,0,0,0,0,"im[i].epoch = 0",0,0,0);
	trans[2][44]	= settr(0,0,0,0,0,"im[i].version = 0",0,0,0);
	T = trans[2][57] = settr(717,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(717,2,46,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(717,2,49,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(717,2,53,0,0,"IF", 1, 2, 0);
	trans[2][46]	= settr(706,2,62,19,19,"((ids<3))", 1, 2, 0); /* m: 47 -> 62,0 */
	reached2[47] = 1;
	trans[2][47]	= settr(0,0,0,0,0,"ids = (ids+1)",0,0,0);
	trans[2][48]	= settr(0,0,0,0,0,"im[i].id = ids",0,0,0);
	trans[2][58]	= settr(718,2,62,1,0,".(goto)", 1, 2, 0);
	trans[2][49]	= settr(709,2,62,20,20,"((sealed>0))", 1, 2, 0); /* m: 50 -> 62,0 */
	reached2[50] = 1;
	trans[2][50]	= settr(0,0,0,0,0,"im[i].id = blobs[0].id",0,0,0);
	trans[2][51]	= settr(0,0,0,0,0,"im[i].epoch = blobs[0].epoch",0,0,0);
	trans[2][52]	= settr(0,0,0,0,0,"im[i].version = blobs[0].version",0,0,0);
	trans[2][53]	= settr(713,2,62,21,21,"((sealed>1))", 1, 2, 0); /* m: 54 -> 62,0 */
	reached2[54] = 1;
	trans[2][54]	= settr(0,0,0,0,0,"im[i].id = blobs[1].id",0,0,0);
	trans[2][55]	= settr(0,0,0,0,0,"im[i].epoch = blobs[1].epoch",0,0,0);
	trans[2][56]	= settr(0,0,0,0,0,"im[i].version = blobs[1].version",0,0,0);
	T = trans[2][62] = settr(722,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(722,2,59,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(722,2,60,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(722,2,61,0,0,"IF", 1, 2, 0);
	trans[2][59]	= settr(719,0,229,22,22,"im[i].serves = 1", 1, 2, 0); /* m: 64 -> 0,229 */
	reached2[64] = 1;
	trans[2][63]	= settr(723,2,64,1,0,".(goto)", 1, 2, 0); /* m: 64 -> 0,229 */
	reached2[64] = 1;
	trans[2][60]	= settr(720,0,229,23,23,"im[i].serves = 2", 1, 2, 0); /* m: 64 -> 0,229 */
	reached2[64] = 1;
	trans[2][61]	= settr(721,0,229,24,24,"im[i].serves = 3", 1, 2, 0); /* m: 64 -> 0,229 */
	reached2[64] = 1;
	trans[2][64]	= settr(724,0,229,25,25,"im[i].is_up = 1", 1, 2, 0); /* m: 66 -> 0,229 */
	reached2[66] = 1;
	trans[2][66]	= settr(0,0,0,0,0,"i = 0",0,0,0);
	T = trans[ 2][70] = settr(730,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(730,2,68,0,0,"ATOMIC", 1, 2, 0);
	trans[2][68]	= settr(728,0,229,26,26,"((((rule==10)&&im[1].is_up)&&(im[1].serves==1)))", 1, 2, 0); /* m: 69 -> 229,0 */
	reached2[69] = 1;
	trans[2][69]	= settr(0,0,0,0,0,"im[1].serves = 2",0,0,0);
	T = trans[ 2][110] = settr(770,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(770,2,71,0,0,"ATOMIC", 1, 2, 0);
	trans[2][71]	= settr(731,2,107,27,0,"((((gw==idle)&&(cur==0))&&(sessions<sessions_max)))", 1, 2, 0);
	T = trans[2][107] = settr(767,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(767,2,72,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(767,2,81,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(767,2,97,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(767,2,98,0,0,"IF", 1, 2, 0);
	trans[2][72]	= settr(732,2,80,28,0,"((im[1].is_up&&(((rule==9)||(1&&(im[1].serves&1)))||(!(1)&&(im[1].serves&2)))))", 1, 2, 0);
	T = trans[ 2][80] = settr(740,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(740,0,73,0,0,"sub-sequence", 1, 2, 0);
	trans[2][73]	= settr(733,0,229,29,29,"sessions = (sessions+1)", 1, 2, 0); /* m: 74 -> 0,229 */
	reached2[74] = 1;
	trans[2][74]	= settr(0,0,0,0,0,"s[sessions].is_adv = 0",0,0,0);
	trans[2][75]	= settr(0,0,0,0,0,"s[sessions].peer = 1",0,0,0);
	trans[2][76]	= settr(0,0,0,0,0,"s[sessions].key = 1",0,0,0);
	trans[2][77]	= settr(0,0,0,0,0,"s[sessions].serves = im[1].serves",0,0,0);
	trans[2][78]	= settr(0,0,0,0,0,"s[sessions].has_client = 1",0,0,0);
	trans[2][79]	= settr(0,0,0,0,0,"s[sessions].has_image = (1!=0)",0,0,0);
	trans[2][108]	= settr(768,0,229,30,30,".(goto)", 1, 2, 0); /* m: 109 -> 0,229 */
	reached2[109] = 1;
	trans[2][81]	= settr(741,2,89,31,0,"((im[2].is_up&&(((rule==9)||(1&&(im[2].serves&1)))||(!(1)&&(im[2].serves&2)))))", 1, 2, 0);
	T = trans[ 2][89] = settr(749,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(749,0,82,0,0,"sub-sequence", 1, 2, 0);
	trans[2][82]	= settr(742,0,229,32,32,"sessions = (sessions+1)", 1, 2, 0); /* m: 83 -> 0,229 */
	reached2[83] = 1;
	trans[2][83]	= settr(0,0,0,0,0,"s[sessions].is_adv = 0",0,0,0);
	trans[2][84]	= settr(0,0,0,0,0,"s[sessions].peer = 2",0,0,0);
	trans[2][85]	= settr(0,0,0,0,0,"s[sessions].key = 2",0,0,0);
	trans[2][86]	= settr(0,0,0,0,0,"s[sessions].serves = im[2].serves",0,0,0);
	trans[2][87]	= settr(0,0,0,0,0,"s[sessions].has_client = 1",0,0,0);
	trans[2][88]	= settr(0,0,0,0,0,"s[sessions].has_image = (2!=0)",0,0,0);
	T = trans[ 2][97] = settr(757,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(757,0,90,0,0,"sub-sequence", 1, 2, 0);
	trans[2][90]	= settr(750,0,229,33,33,"sessions = (sessions+1)", 1, 2, 0); /* m: 91 -> 0,229 */
	reached2[91] = 1;
	trans[2][91]	= settr(0,0,0,0,0,"s[sessions].is_adv = 0",0,0,0);
	trans[2][92]	= settr(0,0,0,0,0,"s[sessions].peer = 0",0,0,0);
	trans[2][93]	= settr(0,0,0,0,0,"s[sessions].key = 3",0,0,0);
	trans[2][94]	= settr(0,0,0,0,0,"s[sessions].serves = im[0].serves",0,0,0);
	trans[2][95]	= settr(0,0,0,0,0,"s[sessions].has_client = 1",0,0,0);
	trans[2][96]	= settr(0,0,0,0,0,"s[sessions].has_image = (0!=0)",0,0,0);
	trans[2][98]	= settr(758,2,106,34,0,"((scenario==1))", 1, 2, 0);
	T = trans[ 2][106] = settr(766,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(766,0,99,0,0,"sub-sequence", 1, 2, 0);
	trans[2][99]	= settr(759,0,229,35,35,"sessions = (sessions+1)", 1, 2, 0); /* m: 100 -> 0,229 */
	reached2[100] = 1;
	trans[2][100]	= settr(0,0,0,0,0,"s[sessions].is_adv = 0",0,0,0);
	trans[2][101]	= settr(0,0,0,0,0,"s[sessions].peer = 0",0,0,0);
	trans[2][102]	= settr(0,0,0,0,0,"s[sessions].key = 1",0,0,0);
	trans[2][103]	= settr(0,0,0,0,0,"s[sessions].serves = im[0].serves",0,0,0);
	trans[2][104]	= settr(0,0,0,0,0,"s[sessions].has_client = 1",0,0,0);
	trans[2][105]	= settr(0,0,0,0,0,"s[sessions].has_image = (0!=0)",0,0,0);
	trans[2][109]	= settr(0,0,0,0,0,"cur = sessions",0,0,0);
	T = trans[ 2][120] = settr(780,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(780,2,111,0,0,"ATOMIC", 1, 2, 0);
	trans[2][111]	= settr(771,2,119,36,0,"((((sessions<sessions_max)&&im[1].is_up)&&(((rule==9)||((scenario==1)&&(im[1].serves&1)))||((!(scenario)==1)&&(im[1].serves&2)))))", 1, 2, 0);
	T = trans[ 2][119] = settr(779,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(779,0,112,0,0,"sub-sequence", 1, 2, 0);
	trans[2][112]	= settr(772,0,229,37,37,"sessions = (sessions+1)", 1, 2, 0); /* m: 113 -> 0,229 */
	reached2[113] = 1;
	trans[2][113]	= settr(0,0,0,0,0,"s[sessions].is_adv = 1",0,0,0);
	trans[2][114]	= settr(0,0,0,0,0,"s[sessions].peer = 1",0,0,0);
	trans[2][115]	= settr(0,0,0,0,0,"s[sessions].key = 1",0,0,0);
	trans[2][116]	= settr(0,0,0,0,0,"s[sessions].serves = im[1].serves",0,0,0);
	trans[2][117]	= settr(0,0,0,0,0,"s[sessions].has_client = 1",0,0,0);
	trans[2][118]	= settr(0,0,0,0,0,"s[sessions].has_image = (1!=0)",0,0,0);
	T = trans[ 2][130] = settr(790,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(790,2,121,0,0,"ATOMIC", 1, 2, 0);
	trans[2][121]	= settr(781,2,129,38,0,"((((sessions<sessions_max)&&im[2].is_up)&&(((rule==9)||((scenario==1)&&(im[2].serves&1)))||((!(scenario)==1)&&(im[2].serves&2)))))", 1, 2, 0);
	T = trans[ 2][129] = settr(789,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(789,0,122,0,0,"sub-sequence", 1, 2, 0);
	trans[2][122]	= settr(782,0,229,39,39,"sessions = (sessions+1)", 1, 2, 0); /* m: 123 -> 0,229 */
	reached2[123] = 1;
	trans[2][123]	= settr(0,0,0,0,0,"s[sessions].is_adv = 1",0,0,0);
	trans[2][124]	= settr(0,0,0,0,0,"s[sessions].peer = 2",0,0,0);
	trans[2][125]	= settr(0,0,0,0,0,"s[sessions].key = 2",0,0,0);
	trans[2][126]	= settr(0,0,0,0,0,"s[sessions].serves = im[2].serves",0,0,0);
	trans[2][127]	= settr(0,0,0,0,0,"s[sessions].has_client = 1",0,0,0);
	trans[2][128]	= settr(0,0,0,0,0,"s[sessions].has_image = (2!=0)",0,0,0);
	T = trans[ 2][189] = settr(849,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(849,2,131,0,0,"ATOMIC", 1, 2, 0);
	trans[2][131]	= settr(791,2,138,40,0,"(((((s[1].is_adv&&s[1].has_image)&&((s[1].what==0)||(s[1].what>=4)))||((s[2].is_adv&&s[2].has_image)&&((s[2].what==0)||(s[2].what>=4))))||((s[3].is_adv&&s[3].has_image)&&((s[3].what==0)||(s[3].what>=4)))))", 1, 2, 0);
	T = trans[2][138] = settr(798,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(798,2,132,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(798,2,134,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(798,2,136,0,0,"IF", 1, 2, 0);
	trans[2][132]	= settr(792,2,186,41,41,"(((s[1].is_adv&&s[1].has_image)&&((s[1].what==0)||(s[1].what>=4))))", 1, 2, 0); /* m: 133 -> 186,0 */
	reached2[133] = 1;
	trans[2][133]	= settr(0,0,0,0,0,"x = 1",0,0,0);
	trans[2][139]	= settr(799,2,186,1,0,".(goto)", 1, 2, 0);
	trans[2][134]	= settr(794,2,186,42,42,"(((s[2].is_adv&&s[2].has_image)&&((s[2].what==0)||(s[2].what>=4))))", 1, 2, 0); /* m: 135 -> 186,0 */
	reached2[135] = 1;
	trans[2][135]	= settr(0,0,0,0,0,"x = 2",0,0,0);
	trans[2][136]	= settr(796,2,186,43,43,"(((s[3].is_adv&&s[3].has_image)&&((s[3].what==0)||(s[3].what>=4))))", 1, 2, 0); /* m: 137 -> 186,0 */
	reached2[137] = 1;
	trans[2][137]	= settr(0,0,0,0,0,"x = 3",0,0,0);
	T = trans[2][186] = settr(846,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(846,2,140,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(846,2,143,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(846,2,147,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(846,2,167,0,0,"IF", 1, 2, 0);
	trans[2][140]	= settr(800,0,229,44,44,"((((cur!=0)&&(s[cur].peer==0))&&(s[cur].what==1)))", 1, 2, 0); /* m: 141 -> 229,0 */
	reached2[141] = 1;
	trans[2][141]	= settr(0,0,0,0,0,"s[x].what = 1",0,0,0);
	trans[2][142]	= settr(0,0,0,0,0,"s[x].a = nonce",0,0,0);
	trans[2][187]	= settr(847,0,229,45,45,".(goto)", 1, 2, 0); /* m: 188 -> 0,229 */
	reached2[188] = 1;
	trans[2][143]	= settr(803,0,229,46,46,"(((scenario!=1)&&(im[s[x].peer].version==0)))", 1, 2, 0); /* m: 144 -> 229,0 */
	reached2[144] = 1;
	trans[2][144]	= settr(0,0,0,0,0,"s[x].what = 2",0,0,0);
	trans[2][145]	= settr(0,0,0,0,0,"s[x].a = 2",0,0,0);
	trans[2][146]	= settr(0,0,0,0,0,"s[x].b = 1",0,0,0);
	trans[2][147]	= settr(807,0,229,47,47,"(((scenario!=1)&&!(im[s[x].peer].has_foreign)))", 1, 2, 0); /* m: 148 -> 229,0 */
	reached2[148] = 1;
	trans[2][148]	= settr(0,0,0,0,0,"s[x].what = 3",0,0,0);
	trans[2][149]	= settr(0,0,0,0,0,"s[x].a = 0",0,0,0);
	T = trans[ 2][167] = settr(827,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(827,0,150,0,0,"sub-sequence", 1, 2, 0);
	trans[2][150]	= settr(810,2,165,48,48,"s[x].has_client = 0", 1, 2, 0);
	T = trans[2][165] = settr(825,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(825,2,151,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(825,2,164,0,0,"IF", 1, 2, 0);
	trans[2][151]	= settr(811,2,163,49,0,"(!(s[x].has_image))", 1, 2, 0);
	T = trans[ 2][163] = settr(823,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(823,0,158,0,0,"sub-sequence", 1, 2, 0);
	T = trans[ 2][158] = settr(818,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(818,0,152,0,0,"sub-sequence", 1, 2, 0);
	trans[2][152]	= settr(812,2,185,50,50,"s[x].what = 0", 1, 2, 0); /* m: 153 -> 0,185 */
	reached2[153] = 1;
	trans[2][153]	= settr(0,0,0,0,0,"s[x].a = 0",0,0,0);
	trans[2][154]	= settr(0,0,0,0,0,"s[x].b = 0",0,0,0);
	trans[2][155]	= settr(0,0,0,0,0,"s[x].version = 0",0,0,0);
	trans[2][156]	= settr(0,0,0,0,0,"s[x].id = 0",0,0,0);
	trans[2][157]	= settr(0,0,0,0,0,"s[x].epoch = 0",0,0,0);
	trans[2][159]	= settr(0,0,0,0,0,"s[x].key = 0",0,0,0);
	trans[2][160]	= settr(0,0,0,0,0,"s[x].peer = 0",0,0,0);
	trans[2][161]	= settr(0,0,0,0,0,"s[x].serves = 0",0,0,0);
	trans[2][162]	= settr(0,0,0,0,0,"s[x].is_adv = 0",0,0,0);
	trans[2][166]	= settr(826,2,185,1,0,".(goto)", 1, 2, 0);
	trans[2][164]	= settr(824,2,185,2,0,"else", 1, 2, 0);
	T = trans[ 2][185] = settr(845,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(845,0,168,0,0,"sub-sequence", 1, 2, 0);
	trans[2][168]	= settr(828,2,183,51,51,"s[x].has_image = 0", 1, 2, 0);
	T = trans[2][183] = settr(843,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(843,2,169,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(843,2,182,0,0,"IF", 1, 2, 0);
	trans[2][169]	= settr(829,2,181,52,0,"(!(s[x].has_client))", 1, 2, 0);
	T = trans[ 2][181] = settr(841,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(841,0,176,0,0,"sub-sequence", 1, 2, 0);
	T = trans[ 2][176] = settr(836,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(836,0,170,0,0,"sub-sequence", 1, 2, 0);
	trans[2][170]	= settr(830,0,229,53,53,"s[x].what = 0", 1, 2, 0); /* m: 171 -> 0,229 */
	reached2[171] = 1;
	trans[2][171]	= settr(0,0,0,0,0,"s[x].a = 0",0,0,0);
	trans[2][172]	= settr(0,0,0,0,0,"s[x].b = 0",0,0,0);
	trans[2][173]	= settr(0,0,0,0,0,"s[x].version = 0",0,0,0);
	trans[2][174]	= settr(0,0,0,0,0,"s[x].id = 0",0,0,0);
	trans[2][175]	= settr(0,0,0,0,0,"s[x].epoch = 0",0,0,0);
	trans[2][177]	= settr(0,0,0,0,0,"s[x].key = 0",0,0,0);
	trans[2][178]	= settr(0,0,0,0,0,"s[x].peer = 0",0,0,0);
	trans[2][179]	= settr(0,0,0,0,0,"s[x].serves = 0",0,0,0);
	trans[2][180]	= settr(0,0,0,0,0,"s[x].is_adv = 0",0,0,0);
	trans[2][184]	= settr(844,2,187,1,0,".(goto)", 1, 2, 0); /* m: 187 -> 0,229 */
	reached2[187] = 1;
	trans[2][182]	= settr(842,2,187,2,0,"else", 1, 2, 0);
	trans[2][188]	= settr(0,0,0,0,0,"x = 0",0,0,0);
	T = trans[ 2][204] = settr(864,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(864,2,190,0,0,"ATOMIC", 1, 2, 0);
	trans[2][190]	= settr(850,2,202,54,0,"(((((cur!=0)&&(s[cur].peer==0))&&(s[cur].what>=1))&&(s[cur].what<=3)))", 1, 2, 0);
	T = trans[2][202] = settr(862,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(862,2,191,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(862,2,194,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(862,2,199,0,0,"IF", 1, 2, 0);
	trans[2][191]	= settr(851,0,229,55,55,"((s[cur].what==1))", 1, 2, 0); /* m: 192 -> 229,0 */
	reached2[192] = 1;
	trans[2][192]	= settr(0,0,0,0,0,"s[cur].what = 4",0,0,0);
	trans[2][193]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[2][203]	= settr(863,0,229,56,56,".(goto)", 1, 2, 0);
	trans[2][194]	= settr(854,0,229,57,57,"((s[cur].what==2))", 1, 2, 0); /* m: 195 -> 229,0 */
	reached2[195] = 1;
	trans[2][195]	= settr(0,0,0,0,0,"s[cur].what = 5",0,0,0);
	trans[2][196]	= settr(0,0,0,0,0,"s[cur].a = 2",0,0,0);
	trans[2][197]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[2][198]	= settr(0,0,0,0,0,"s[cur].id = 1",0,0,0);
	trans[2][199]	= settr(859,0,229,58,58,"((s[cur].what==3))", 1, 2, 0); /* m: 200 -> 229,0 */
	reached2[200] = 1;
	trans[2][200]	= settr(0,0,0,0,0,"s[cur].what = 5",0,0,0);
	trans[2][201]	= settr(0,0,0,0,0,"s[cur].a = 3",0,0,0);
	T = trans[ 2][228] = settr(888,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(888,2,205,0,0,"ATOMIC", 1, 2, 0);
	trans[2][205]	= settr(865,2,210,59,0,"((quotes>0))", 1, 2, 0);
	T = trans[2][210] = settr(870,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(870,2,206,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(870,2,208,0,0,"IF", 1, 2, 0);
	trans[2][206]	= settr(866,2,216,60,60,"((rule==2))", 1, 2, 0); /* m: 207 -> 216,0 */
	reached2[207] = 1;
	trans[2][207]	= settr(0,0,0,0,0,"i = 3",0,0,0);
	trans[2][211]	= settr(871,2,216,1,0,".(goto)", 1, 2, 0);
	trans[2][208]	= settr(868,2,209,2,0,"else", 1, 2, 0);
	trans[2][209]	= settr(869,2,216,61,61,"i = q[0].key", 1, 2, 0);
	T = trans[2][216] = settr(876,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(876,2,212,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(876,2,214,0,0,"IF", 1, 2, 0);
	trans[2][212]	= settr(872,2,223,62,62,"((rule==5))", 1, 2, 0); /* m: 213 -> 223,0 */
	reached2[213] = 1;
	trans[2][213]	= settr(0,0,0,0,0,"x = (3-q[0].version)",0,0,0);
	trans[2][217]	= settr(877,2,223,1,0,".(goto)", 1, 2, 0);
	trans[2][214]	= settr(874,2,215,2,0,"else", 1, 2, 0);
	trans[2][215]	= settr(875,2,223,63,63,"x = q[0].version", 1, 2, 0);
	T = trans[2][223] = settr(883,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(883,2,218,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(883,2,220,0,0,"IF", 1, 2, 0);
	trans[2][218]	= settr(878,2,219,64,0,"(((i==q[0].key)&&(x==q[0].version)))", 1, 2, 0);
	trans[2][219]	= settr(879,2,225,1,0,"(1)", 1, 2, 0);
	trans[2][224]	= settr(884,2,225,1,0,".(goto)", 1, 2, 0);
	trans[2][220]	= settr(880,2,221,2,0,"else", 1, 2, 0);
	trans[2][221]	= settr(881,2,225,65,65,"broken = 3", 1, 2, 0); /* m: 222 -> 0,225 */
	reached2[222] = 1;
	trans[2][222]	= settr(0,0,0,0,0,"assert((broken!=3))",0,0,0);
	trans[2][225]	= settr(885,2,226,66,66,"{c_code13}", 1, 2, 0);
	trans[2][226]	= settr(886,0,229,67,67,"i = 0", 1, 2, 0); /* m: 227 -> 0,229 */
	reached2[227] = 1;
	trans[2][227]	= settr(0,0,0,0,0,"x = 0",0,0,0);
	trans[2][231]	= settr(891,0,232,1,0,"break", 0, 2, 0);
	trans[2][232]	= settr(892,0,0,68,68,"-end-", 0, 3500, 0);

	/* proctype 1: image */

	trans[1] = (Trans **) emalloc(119*sizeof(Trans *));

	trans[1][116]	= settr(658,0,115,1,0,".(goto)", 0, 2, 0);
	T = trans[1][115] = settr(657,0,0,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(657,0,98,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(657,0,114,0,0,"DO", 0, 2, 0);
	T = trans[ 1][98] = settr(640,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(640,2,1,0,0,"ATOMIC", 1, 2, 0);
	trans[1][1]	= settr(543,2,8,69,0,"(((((((im[i].is_up&&(s[1].peer==i))&&s[1].has_image)&&(s[1].what>=1))&&(s[1].what<=3))||((((im[i].is_up&&(s[2].peer==i))&&s[2].has_image)&&(s[2].what>=1))&&(s[2].what<=3)))||((((im[i].is_up&&(s[3].peer==i))&&s[3].has_image)&&(s[3].what>=1))&&(s[3].what<=3))))", 1, 2, 0);
	T = trans[1][8] = settr(550,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(550,2,2,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(550,2,4,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(550,2,6,0,0,"IF", 1, 2, 0);
	trans[1][2]	= settr(544,2,95,70,70,"(((((im[i].is_up&&(s[1].peer==i))&&s[1].has_image)&&(s[1].what>=1))&&(s[1].what<=3)))", 1, 2, 0); /* m: 3 -> 95,0 */
	reached1[3] = 1;
	trans[1][3]	= settr(0,0,0,0,0,"x = 1",0,0,0);
	trans[1][9]	= settr(551,2,95,1,0,".(goto)", 1, 2, 0);
	trans[1][4]	= settr(546,2,95,71,71,"(((((im[i].is_up&&(s[2].peer==i))&&s[2].has_image)&&(s[2].what>=1))&&(s[2].what<=3)))", 1, 2, 0); /* m: 5 -> 95,0 */
	reached1[5] = 1;
	trans[1][5]	= settr(0,0,0,0,0,"x = 2",0,0,0);
	trans[1][6]	= settr(548,2,95,72,72,"(((((im[i].is_up&&(s[3].peer==i))&&s[3].has_image)&&(s[3].what>=1))&&(s[3].what<=3)))", 1, 2, 0); /* m: 7 -> 95,0 */
	reached1[7] = 1;
	trans[1][7]	= settr(0,0,0,0,0,"x = 3",0,0,0);
	T = trans[1][95] = settr(637,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(637,2,10,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(637,2,27,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(637,2,57,0,0,"IF", 1, 2, 0);
	trans[1][10]	= settr(552,2,26,73,0,"((s[x].what==1))", 1, 2, 0);
	T = trans[ 1][26] = settr(568,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(568,0,19,0,0,"sub-sequence", 1, 2, 0);
	T = trans[1][19] = settr(561,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(561,2,11,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(561,2,18,0,0,"IF", 1, 2, 0);
	trans[1][11]	= settr(553,0,115,74,74,"((quotes<3))", 1, 2, 0); /* m: 12 -> 115,0 */
	reached1[12] = 1;
	trans[1][12]	= settr(0,0,0,0,0,"q[quotes].exporter = x",0,0,0);
	trans[1][13]	= settr(0,0,0,0,0,"q[quotes].key = i",0,0,0);
	trans[1][14]	= settr(0,0,0,0,0,"q[quotes].serves = im[i].serves",0,0,0);
	trans[1][15]	= settr(0,0,0,0,0,"q[quotes].version = im[i].version",0,0,0);
	trans[1][16]	= settr(0,0,0,0,0,"q[quotes].nonce = s[x].a",0,0,0);
	trans[1][17]	= settr(0,0,0,0,0,"quotes = (quotes+1)",0,0,0);
	trans[1][20]	= settr(562,2,21,1,0,".(goto)", 1, 2, 0); /* m: 21 -> 0,115 */
	reached1[21] = 1;
	trans[1][18]	= settr(560,2,21,2,0,"else", 1, 2, 0);
	trans[1][21]	= settr(563,0,115,75,75,"s[x].what = 4", 1, 2, 0); /* m: 22 -> 0,115 */
	reached1[22] = 1;
	trans[1][22]	= settr(0,0,0,0,0,"s[x].version = im[i].version",0,0,0);
	trans[1][23]	= settr(0,0,0,0,0,"s[x].id = im[i].id",0,0,0);
	trans[1][24]	= settr(0,0,0,0,0,"s[x].epoch = im[i].epoch",0,0,0);
	trans[1][25]	= settr(0,0,0,0,0,"s[x].a = 0",0,0,0);
	trans[1][96]	= settr(638,0,115,76,76,".(goto)", 1, 2, 0); /* m: 97 -> 0,115 */
	reached1[97] = 1;
	trans[1][27]	= settr(569,2,56,77,0,"((s[x].what==2))", 1, 2, 0);
	T = trans[ 1][56] = settr(598,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(598,0,54,0,0,"sub-sequence", 1, 2, 0);
	T = trans[1][54] = settr(596,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(596,2,28,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(596,2,31,0,0,"IF", 1, 2, 0);
	trans[1][28]	= settr(570,2,29,78,0,"((((s[x].a<im[i].version)||(s[x].b<=im[i].epoch))&&!((rule==12))))", 1, 2, 0);
	trans[1][29]	= settr(571,2,30,79,79,"{c_code10}", 1, 2, 0);
	trans[1][30]	= settr(572,0,115,80,80,"s[x].what = 6", 1, 2, 0); /* m: 96 -> 0,115 */
	reached1[96] = 1;
	trans[1][55]	= settr(597,2,96,1,0,".(goto)", 1, 2, 0); /* m: 96 -> 0,115 */
	reached1[96] = 1;
	trans[1][31]	= settr(573,2,37,2,0,"else", 1, 2, 0);
	T = trans[1][37] = settr(579,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(579,2,32,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(579,2,34,0,0,"IF", 1, 2, 0);
	trans[1][32]	= settr(574,2,33,81,0,"((s[x].is_adv||(s[x].a>=im[i].version)))", 1, 2, 0);
	trans[1][33]	= settr(575,2,49,82,82,"(1)", 1, 2, 0); /* m: 39 -> 49,0 */
	reached1[39] = 1;
	trans[1][38]	= settr(580,2,39,1,0,".(goto)", 1, 2, 0); /* m: 39 -> 0,49 */
	reached1[39] = 1;
	trans[1][34]	= settr(576,2,35,2,0,"else", 1, 2, 0);
	trans[1][35]	= settr(577,2,49,83,83,"broken = 5", 1, 2, 0); /* m: 36 -> 0,49 */
	reached1[36] = 1;
	trans[1][36]	= settr(0,0,0,0,0,"assert((broken!=5))",0,0,0);
	trans[1][39]	= settr(581,2,49,84,84,"im[i].version = s[x].a", 1, 2, 0); /* m: 40 -> 0,49 */
	reached1[40] = 1;
	trans[1][40]	= settr(0,0,0,0,0,"im[i].epoch = s[x].b",0,0,0);
	T = trans[ 1][49] = settr(591,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(591,0,47,0,0,"sub-sequence", 1, 2, 0);
	T = trans[1][47] = settr(589,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(589,2,41,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(589,2,46,0,0,"IF", 1, 2, 0);
	trans[1][41]	= settr(583,0,115,85,85,"((sealed<2))", 1, 2, 0); /* m: 42 -> 115,0 */
	reached1[42] = 1;
	trans[1][42]	= settr(0,0,0,0,0,"blobs[sealed].id = im[i].id",0,0,0);
	trans[1][43]	= settr(0,0,0,0,0,"blobs[sealed].epoch = im[i].epoch",0,0,0);
	trans[1][44]	= settr(0,0,0,0,0,"blobs[sealed].version = im[i].version",0,0,0);
	trans[1][45]	= settr(0,0,0,0,0,"sealed = (sealed+1)",0,0,0);
	trans[1][48]	= settr(590,2,50,1,0,".(goto)", 1, 2, 0); /* m: 50 -> 0,115 */
	reached1[50] = 1;
	trans[1][46]	= settr(588,2,50,2,0,"else", 1, 2, 0);
	trans[1][50]	= settr(592,0,115,86,86,"s[x].what = 5", 1, 2, 0); /* m: 51 -> 0,115 */
	reached1[51] = 1;
	trans[1][51]	= settr(0,0,0,0,0,"s[x].a = 2",0,0,0);
	trans[1][52]	= settr(0,0,0,0,0,"s[x].b = 0",0,0,0);
	trans[1][53]	= settr(0,0,0,0,0,"s[x].id = im[i].id",0,0,0);
	trans[1][57]	= settr(599,2,94,87,0,"((s[x].what==3))", 1, 2, 0);
	T = trans[ 1][94] = settr(636,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(636,0,58,0,0,"sub-sequence", 1, 2, 0);
	trans[1][58]	= settr(600,2,91,88,88,"k = ( ((scenario==2)) -> (( ((rule==14)) -> (s[x].a) : (((4*x)+s[x].a)) )) : (0) )", 1, 2, 0);
	T = trans[1][91] = settr(633,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(633,2,59,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(633,2,62,0,0,"IF", 1, 2, 0);
	trans[1][59]	= settr(601,2,60,89,0,"((((k!=0)&&(im[i].known&(1<<k)))&&!((rule==15))))", 1, 2, 0);
	trans[1][60]	= settr(602,2,61,90,90,"{c_code11}", 1, 2, 0);
	trans[1][61]	= settr(603,0,115,91,91,"s[x].what = 6", 1, 2, 0); /* m: 93 -> 0,115 */
	reached1[93] = 1;
	trans[1][92]	= settr(634,2,93,1,0,".(goto)", 1, 2, 0); /* m: 93 -> 0,115 */
	reached1[93] = 1;
	trans[1][62]	= settr(604,2,74,2,0,"else", 1, 2, 0);
	T = trans[1][74] = settr(616,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(616,2,63,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(616,2,73,0,0,"IF", 1, 2, 0);
	trans[1][63]	= settr(605,2,69,92,0,"((k!=0))", 1, 2, 0);
	T = trans[1][69] = settr(611,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(611,2,64,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(611,2,66,0,0,"IF", 1, 2, 0);
	trans[1][64]	= settr(606,2,65,93,0,"(!((installed&(1<<k))))", 1, 2, 0);
	trans[1][65]	= settr(607,2,80,94,94,"(1)", 1, 2, 0); /* m: 71 -> 80,0 */
	reached1[71] = 1;
	trans[1][70]	= settr(612,2,71,1,0,".(goto)", 1, 2, 0); /* m: 71 -> 0,80 */
	reached1[71] = 1;
	trans[1][66]	= settr(608,2,67,2,0,"else", 1, 2, 0);
	trans[1][67]	= settr(609,2,80,95,95,"broken = 7", 1, 2, 0); /* m: 68 -> 0,80 */
	reached1[68] = 1;
	trans[1][68]	= settr(0,0,0,0,0,"assert((broken!=7))",0,0,0);
	trans[1][71]	= settr(613,2,80,96,96,"installed = (installed|(1<<k))", 1, 2, 0); /* m: 72 -> 0,80 */
	reached1[72] = 1;
	trans[1][72]	= settr(0,0,0,0,0,"im[i].known = (im[i].known|(1<<k))",0,0,0);
	trans[1][75]	= settr(617,2,80,1,0,".(goto)", 1, 2, 0);
	trans[1][73]	= settr(615,2,80,2,0,"else", 1, 2, 0);
	T = trans[1][80] = settr(622,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(622,2,76,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(622,2,78,0,0,"IF", 1, 2, 0);
	trans[1][76]	= settr(618,2,87,97,97,"(s[x].is_adv)", 1, 2, 0); /* m: 77 -> 87,0 */
	reached1[77] = 1;
	trans[1][77]	= settr(0,0,0,0,0,"im[i].has_foreign = 1",0,0,0);
	trans[1][81]	= settr(623,2,87,1,0,".(goto)", 1, 2, 0);
	trans[1][78]	= settr(620,2,79,2,0,"else", 1, 2, 0);
	trans[1][79]	= settr(621,2,87,98,98,"im[i].has_keys = 1", 1, 2, 0);
	T = trans[1][87] = settr(629,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(629,2,82,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(629,2,84,0,0,"IF", 1, 2, 0);
	trans[1][82]	= settr(624,2,83,99,0,"((!(im[i].has_keys)||!(im[i].has_foreign)))", 1, 2, 0);
	trans[1][83]	= settr(625,0,115,100,100,"(1)", 1, 2, 0); /* m: 89 -> 115,0 */
	reached1[89] = 1;
	trans[1][88]	= settr(630,2,89,1,0,".(goto)", 1, 2, 0); /* m: 89 -> 0,115 */
	reached1[89] = 1;
	trans[1][84]	= settr(626,2,85,2,0,"else", 1, 2, 0);
	trans[1][85]	= settr(627,0,115,101,101,"broken = 2", 1, 2, 0); /* m: 86 -> 0,115 */
	reached1[86] = 1;
	trans[1][86]	= settr(0,0,0,0,0,"assert((broken!=2))",0,0,0);
	trans[1][89]	= settr(631,0,115,102,102,"s[x].what = 5", 1, 2, 0); /* m: 90 -> 0,115 */
	reached1[90] = 1;
	trans[1][90]	= settr(0,0,0,0,0,"s[x].a = 3",0,0,0);
	trans[1][93]	= settr(635,0,115,103,103,"k = 0", 1, 2, 0); /* m: 96 -> 0,115 */
	reached1[96] = 1;
	trans[1][97]	= settr(0,0,0,0,0,"x = 0",0,0,0);
	T = trans[ 1][114] = settr(656,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(656,2,99,0,0,"ATOMIC", 1, 2, 0);
	trans[1][99]	= settr(641,2,104,104,0,"(((im[i].is_up&&im[i].has_keys)&&((cur==0)||(s[cur].peer!=i))))", 1, 2, 0);
	T = trans[1][104] = settr(646,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(646,2,100,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(646,2,103,0,0,"IF", 1, 2, 0);
	trans[1][100]	= settr(642,2,106,105,105,"(!((rule==16)))", 1, 2, 0); /* m: 101 -> 106,0 */
	reached1[101] = 1;
	trans[1][101]	= settr(0,0,0,0,0,"im[i].has_keys = 0",0,0,0);
	trans[1][102]	= settr(0,0,0,0,0,"im[i].has_foreign = 0",0,0,0);
	trans[1][105]	= settr(647,2,106,1,0,".(goto)", 1, 2, 0);
	trans[1][103]	= settr(645,2,106,2,0,"else", 1, 2, 0);
	trans[1][106]	= settr(648,2,112,106,106,"{c_code12}", 1, 2, 0);
	T = trans[1][112] = settr(654,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(654,2,107,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(654,2,109,0,0,"IF", 1, 2, 0);
	trans[1][107]	= settr(649,2,108,107,0,"(!(im[i].has_keys))", 1, 2, 0);
	trans[1][108]	= settr(650,0,115,108,108,"(1)", 1, 2, 0); /* m: 113 -> 115,0 */
	reached1[113] = 1;
	trans[1][113]	= settr(655,0,115,109,109,".(goto)", 1, 2, 0);
	trans[1][109]	= settr(651,2,110,2,0,"else", 1, 2, 0);
	trans[1][110]	= settr(652,0,115,110,110,"broken = 8", 1, 2, 0); /* m: 111 -> 0,115 */
	reached1[111] = 1;
	trans[1][111]	= settr(0,0,0,0,0,"assert((broken!=8))",0,0,0);
	trans[1][117]	= settr(659,0,118,1,0,"break", 0, 2, 0);
	trans[1][118]	= settr(660,0,0,111,111,"-end-", 0, 3500, 0);

	/* proctype 0: gateway */

	trans[0] = (Trans **) emalloc(544*sizeof(Trans *));

	trans[0][541]	= settr(540,0,540,1,0,".(goto)", 0, 2, 0);
	T = trans[0][540] = settr(539,0,0,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,8,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,11,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,159,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,220,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,255,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,266,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,287,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,297,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,305,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,454,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,495,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,498,0,0,"DO", 0, 2, 0);
	T = T->nxt	= settr(539,0,535,0,0,"DO", 0, 2, 0);
	    T->nxt	= settr(539,0,539,0,0,"DO", 0, 2, 0);
	T = trans[ 0][8] = settr(7,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(7,2,1,0,0,"ATOMIC", 1, 2, 0);
	trans[0][1]	= settr(0,2,7,112,0,"(((((gw==idle)&&(cur!=0))&&!((rule==8)))&&(nonces<nonces_max)))", 1, 2, 0);
	T = trans[ 0][7] = settr(6,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(6,0,2,0,0,"sub-sequence", 1, 2, 0);
	trans[0][2]	= settr(1,0,540,113,113,"nonces = (nonces+1)", 1, 2, 0); /* m: 3 -> 0,540 */
	reached0[3] = 1;
	trans[0][3]	= settr(0,0,0,0,0,"nonce = nonces",0,0,0);
	trans[0][4]	= settr(0,0,0,0,0,"s[cur].what = 1",0,0,0);
	trans[0][5]	= settr(0,0,0,0,0,"s[cur].a = nonce",0,0,0);
	trans[0][6]	= settr(0,0,0,0,0,"gw = 5",0,0,0);
	T = trans[ 0][11] = settr(10,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(10,2,9,0,0,"ATOMIC", 1, 2, 0);
	trans[0][9]	= settr(8,0,540,114,114,"((((gw==idle)&&(cur!=0))&&(rule==8)))", 1, 2, 0); /* m: 10 -> 540,0 */
	reached0[10] = 1;
	trans[0][10]	= settr(0,0,0,0,0,"gw = judged",0,0,0);
	T = trans[ 0][159] = settr(158,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(158,2,12,0,0,"ATOMIC", 1, 2, 0);
	trans[0][12]	= settr(11,2,158,115,0,"(((gw==asked)&&(s[cur].what==4)))", 1, 2, 0);
	T = trans[ 0][158] = settr(157,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(157,0,13,0,0,"sub-sequence", 1, 2, 0);
	trans[0][13]	= settr(12,2,23,116,116,"e = 0", 1, 2, 0);
	T = trans[0][23] = settr(22,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(22,2,14,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(22,2,16,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(22,2,18,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(22,2,20,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(22,2,22,0,0,"IF", 1, 2, 0);
	trans[0][14]	= settr(13,2,155,117,117,"(((((((0<quotes)&&((rule==1)||(q[0].exporter==cur)))&&((rule==2)||(q[0].key==s[cur].key)))&&((rule==3)||(q[0].serves==1)))&&((rule==5)||(q[0].version==s[cur].version)))&&((rule==4)||(q[0].nonce==nonce))))", 1, 2, 0); /* m: 15 -> 155,0 */
	reached0[15] = 1;
	trans[0][15]	= settr(0,0,0,0,0,"e = 0",0,0,0);
	trans[0][24]	= settr(23,2,155,1,0,".(goto)", 1, 2, 0);
	trans[0][16]	= settr(15,2,155,118,118,"(((((((1<quotes)&&((rule==1)||(q[1].exporter==cur)))&&((rule==2)||(q[1].key==s[cur].key)))&&((rule==3)||(q[1].serves==1)))&&((rule==5)||(q[1].version==s[cur].version)))&&((rule==4)||(q[1].nonce==nonce))))", 1, 2, 0); /* m: 17 -> 155,0 */
	reached0[17] = 1;
	trans[0][17]	= settr(0,0,0,0,0,"e = 1",0,0,0);
	trans[0][18]	= settr(17,2,155,119,119,"(((((((2<quotes)&&((rule==1)||(q[2].exporter==cur)))&&((rule==2)||(q[2].key==s[cur].key)))&&((rule==3)||(q[2].serves==1)))&&((rule==5)||(q[2].version==s[cur].version)))&&((rule==4)||(q[2].nonce==nonce))))", 1, 2, 0); /* m: 19 -> 155,0 */
	reached0[19] = 1;
	trans[0][19]	= settr(0,0,0,0,0,"e = 2",0,0,0);
	trans[0][20]	= settr(19,2,155,120,120,"(((rule==6)||(rule==7)))", 1, 2, 0); /* m: 21 -> 155,0 */
	reached0[21] = 1;
	trans[0][21]	= settr(0,0,0,0,0,"e = 10",0,0,0);
	trans[0][22]	= settr(21,2,155,121,121,"e = 11", 1, 2, 0);
	T = trans[0][155] = settr(154,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(154,2,25,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(154,2,71,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(154,2,113,0,0,"IF", 1, 2, 0);
	trans[0][25]	= settr(24,2,61,122,0,"(((e!=11)&&(((rule==13)||(s[cur].epoch==0))||((s[cur].id==holder)&&((s[cur].epoch==confirmed)||(s[cur].epoch==begun))))))", 1, 2, 0);
	T = trans[ 0][61] = settr(60,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(60,0,31,0,0,"sub-sequence", 1, 2, 0);
	T = trans[0][31] = settr(30,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(30,2,26,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(30,2,28,0,0,"IF", 1, 2, 0);
	trans[0][26]	= settr(25,2,27,123,0,"((s[cur].peer!=0))", 1, 2, 0);
	trans[0][27]	= settr(26,2,38,1,0,"(1)", 1, 2, 0);
	trans[0][32]	= settr(31,2,38,1,0,".(goto)", 1, 2, 0);
	trans[0][28]	= settr(27,2,29,2,0,"else", 1, 2, 0);
	trans[0][29]	= settr(28,2,38,124,124,"broken = 3", 1, 2, 0); /* m: 30 -> 0,38 */
	reached0[30] = 1;
	trans[0][30]	= settr(0,0,0,0,0,"assert((broken!=3))",0,0,0);
	T = trans[0][38] = settr(37,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(37,2,33,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(37,2,35,0,0,"IF", 1, 2, 0);
	trans[0][33]	= settr(32,2,34,125,0,"((s[cur].key==s[cur].peer))", 1, 2, 0);
	trans[0][34]	= settr(33,2,45,1,0,"(1)", 1, 2, 0);
	trans[0][39]	= settr(38,2,45,1,0,".(goto)", 1, 2, 0);
	trans[0][35]	= settr(34,2,36,2,0,"else", 1, 2, 0);
	trans[0][36]	= settr(35,2,45,126,126,"broken = 3", 1, 2, 0); /* m: 37 -> 0,45 */
	reached0[37] = 1;
	trans[0][37]	= settr(0,0,0,0,0,"assert((broken!=3))",0,0,0);
	T = trans[0][45] = settr(44,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(44,2,40,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(44,2,42,0,0,"IF", 1, 2, 0);
	trans[0][40]	= settr(39,2,41,127,0,"((s[cur].serves==1))", 1, 2, 0);
	trans[0][41]	= settr(40,2,52,1,0,"(1)", 1, 2, 0);
	trans[0][46]	= settr(45,2,52,1,0,".(goto)", 1, 2, 0);
	trans[0][42]	= settr(41,2,43,2,0,"else", 1, 2, 0);
	trans[0][43]	= settr(42,2,52,128,128,"broken = 3", 1, 2, 0); /* m: 44 -> 0,52 */
	reached0[44] = 1;
	trans[0][44]	= settr(0,0,0,0,0,"assert((broken!=3))",0,0,0);
	T = trans[0][52] = settr(51,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(51,2,47,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(51,2,49,0,0,"IF", 1, 2, 0);
	trans[0][47]	= settr(46,2,48,129,0,"(((e>=3)||(q[e].nonce==nonce)))", 1, 2, 0);
	trans[0][48]	= settr(47,2,59,1,0,"(1)", 1, 2, 0);
	trans[0][53]	= settr(52,2,59,1,0,".(goto)", 1, 2, 0);
	trans[0][49]	= settr(48,2,50,2,0,"else", 1, 2, 0);
	trans[0][50]	= settr(49,2,59,130,130,"broken = 4", 1, 2, 0); /* m: 51 -> 0,59 */
	reached0[51] = 1;
	trans[0][51]	= settr(0,0,0,0,0,"assert((broken!=4))",0,0,0);
	T = trans[0][59] = settr(58,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(58,2,54,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(58,2,56,0,0,"IF", 1, 2, 0);
	trans[0][54]	= settr(53,2,55,131,0,"(((s[cur].epoch==0)||((latest[s[cur].id]!=99)&&(s[cur].epoch>=latest[s[cur].id]))))", 1, 2, 0);
	trans[0][55]	= settr(54,2,70,132,132,"(1)", 1, 2, 0); /* m: 62 -> 70,0 */
	reached0[62] = 1;
	trans[0][60]	= settr(59,2,62,1,0,".(goto)", 1, 2, 0); /* m: 62 -> 0,70 */
	reached0[62] = 1;
	trans[0][56]	= settr(55,2,57,2,0,"else", 1, 2, 0);
	trans[0][57]	= settr(56,2,70,133,133,"broken = 6", 1, 2, 0); /* m: 58 -> 0,70 */
	reached0[58] = 1;
	trans[0][58]	= settr(0,0,0,0,0,"assert((broken!=6))",0,0,0);
	trans[0][62]	= settr(61,2,70,134,134,"gw = 4", 1, 2, 0); /* m: 63 -> 0,70 */
	reached0[63] = 1;
	trans[0][63]	= settr(0,0,0,0,0,"nonce = 0",0,0,0);
	T = trans[ 0][70] = settr(69,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(69,0,64,0,0,"sub-sequence", 1, 2, 0);
	trans[0][64]	= settr(63,0,540,135,135,"s[cur].what = 0", 1, 2, 0); /* m: 65 -> 0,540 */
	reached0[65] = 1;
	trans[0][65]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][66]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][67]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][68]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][69]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	trans[0][156]	= settr(155,0,540,136,136,".(goto)", 1, 2, 0); /* m: 157 -> 0,540 */
	reached0[157] = 1;
	trans[0][71]	= settr(70,2,72,137,0,"(((e!=11)&&!((((rule==13)||(s[cur].epoch==0))||((s[cur].id==holder)&&((s[cur].epoch==confirmed)||(s[cur].epoch==begun)))))))", 1, 2, 0);
	trans[0][72]	= settr(71,2,73,138,138,"{c_code2}", 1, 2, 0);
	trans[0][73]	= settr(72,2,112,139,139,"is_lost = 1", 1, 2, 0);
	T = trans[ 0][112] = settr(111,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(111,0,77,0,0,"sub-sequence", 1, 2, 0);
	T = trans[0][77] = settr(76,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(76,2,74,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(76,2,76,0,0,"IF", 1, 2, 0);
	trans[0][74]	= settr(73,2,84,140,140,"((is_lost&&!((rule==17))))", 1, 2, 0); /* m: 75 -> 84,0 */
	reached0[75] = 1;
	trans[0][75]	= settr(0,0,0,0,0,"using = 0",0,0,0);
	trans[0][78]	= settr(77,2,84,1,0,".(goto)", 1, 2, 0);
	trans[0][76]	= settr(75,2,84,2,0,"else", 1, 2, 0);
	T = trans[0][84] = settr(83,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(83,2,79,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(83,2,81,0,0,"IF", 1, 2, 0);
	trans[0][79]	= settr(78,2,80,141,0,"((!(is_lost)||!(using)))", 1, 2, 0);
	trans[0][80]	= settr(79,2,106,1,0,"(1)", 1, 2, 0);
	trans[0][85]	= settr(84,2,106,1,0,".(goto)", 1, 2, 0);
	trans[0][81]	= settr(80,2,82,2,0,"else", 1, 2, 0);
	trans[0][82]	= settr(81,2,106,142,142,"broken = 8", 1, 2, 0); /* m: 83 -> 0,106 */
	reached0[83] = 1;
	trans[0][83]	= settr(0,0,0,0,0,"assert((broken!=8))",0,0,0);
	T = trans[0][106] = settr(105,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(105,2,86,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(105,2,105,0,0,"IF", 1, 2, 0);
	trans[0][86]	= settr(85,2,104,143,0,"((cur!=0))", 1, 2, 0);
	T = trans[ 0][104] = settr(103,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(103,0,87,0,0,"sub-sequence", 1, 2, 0);
	trans[0][87]	= settr(86,2,102,144,144,"s[cur].has_client = 0", 1, 2, 0);
	T = trans[0][102] = settr(101,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(101,2,88,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(101,2,101,0,0,"IF", 1, 2, 0);
	trans[0][88]	= settr(87,2,100,145,0,"(!(s[cur].has_image))", 1, 2, 0);
	T = trans[ 0][100] = settr(99,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(99,0,95,0,0,"sub-sequence", 1, 2, 0);
	T = trans[ 0][95] = settr(94,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(94,0,89,0,0,"sub-sequence", 1, 2, 0);
	trans[0][89]	= settr(88,0,540,146,146,"s[cur].what = 0", 1, 2, 0); /* m: 90 -> 0,540 */
	reached0[90] = 1;
	trans[0][90]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][91]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][92]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][93]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][94]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	trans[0][96]	= settr(0,0,0,0,0,"s[cur].key = 0",0,0,0);
	trans[0][97]	= settr(0,0,0,0,0,"s[cur].peer = 0",0,0,0);
	trans[0][98]	= settr(0,0,0,0,0,"s[cur].serves = 0",0,0,0);
	trans[0][99]	= settr(0,0,0,0,0,"s[cur].is_adv = 0",0,0,0);
	trans[0][103]	= settr(102,2,108,1,0,".(goto)", 1, 2, 0); /* m: 108 -> 0,540 */
	reached0[108] = 1;
	trans[0][101]	= settr(100,2,108,2,0,"else", 1, 2, 0);
	trans[0][107]	= settr(106,2,108,1,0,".(goto)", 1, 2, 0); /* m: 108 -> 0,540 */
	reached0[108] = 1;
	trans[0][105]	= settr(104,2,108,2,0,"else", 1, 2, 0);
	trans[0][108]	= settr(107,0,540,147,147,"cur = 0", 1, 2, 0); /* m: 109 -> 0,540 */
	reached0[109] = 1;
	trans[0][109]	= settr(0,0,0,0,0,"nonce = 0",0,0,0);
	trans[0][110]	= settr(0,0,0,0,0,"is_lost = 0",0,0,0);
	trans[0][111]	= settr(0,0,0,0,0,"gw = idle",0,0,0);
	trans[0][113]	= settr(112,2,114,148,0,"((e==11))", 1, 2, 0);
	trans[0][114]	= settr(113,2,115,149,149,"{c_code3}", 1, 2, 0);
	trans[0][115]	= settr(114,2,154,150,150,"is_lost = 1", 1, 2, 0);
	T = trans[ 0][154] = settr(153,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(153,0,119,0,0,"sub-sequence", 1, 2, 0);
	T = trans[0][119] = settr(118,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(118,2,116,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(118,2,118,0,0,"IF", 1, 2, 0);
	trans[0][116]	= settr(115,2,126,151,151,"((is_lost&&!((rule==17))))", 1, 2, 0); /* m: 117 -> 126,0 */
	reached0[117] = 1;
	trans[0][117]	= settr(0,0,0,0,0,"using = 0",0,0,0);
	trans[0][120]	= settr(119,2,126,1,0,".(goto)", 1, 2, 0);
	trans[0][118]	= settr(117,2,126,2,0,"else", 1, 2, 0);
	T = trans[0][126] = settr(125,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(125,2,121,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(125,2,123,0,0,"IF", 1, 2, 0);
	trans[0][121]	= settr(120,2,122,152,0,"((!(is_lost)||!(using)))", 1, 2, 0);
	trans[0][122]	= settr(121,2,148,1,0,"(1)", 1, 2, 0);
	trans[0][127]	= settr(126,2,148,1,0,".(goto)", 1, 2, 0);
	trans[0][123]	= settr(122,2,124,2,0,"else", 1, 2, 0);
	trans[0][124]	= settr(123,2,148,153,153,"broken = 8", 1, 2, 0); /* m: 125 -> 0,148 */
	reached0[125] = 1;
	trans[0][125]	= settr(0,0,0,0,0,"assert((broken!=8))",0,0,0);
	T = trans[0][148] = settr(147,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(147,2,128,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(147,2,147,0,0,"IF", 1, 2, 0);
	trans[0][128]	= settr(127,2,146,154,0,"((cur!=0))", 1, 2, 0);
	T = trans[ 0][146] = settr(145,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(145,0,129,0,0,"sub-sequence", 1, 2, 0);
	trans[0][129]	= settr(128,2,144,155,155,"s[cur].has_client = 0", 1, 2, 0);
	T = trans[0][144] = settr(143,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(143,2,130,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(143,2,143,0,0,"IF", 1, 2, 0);
	trans[0][130]	= settr(129,2,142,156,0,"(!(s[cur].has_image))", 1, 2, 0);
	T = trans[ 0][142] = settr(141,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(141,0,137,0,0,"sub-sequence", 1, 2, 0);
	T = trans[ 0][137] = settr(136,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(136,0,131,0,0,"sub-sequence", 1, 2, 0);
	trans[0][131]	= settr(130,0,540,157,157,"s[cur].what = 0", 1, 2, 0); /* m: 132 -> 0,540 */
	reached0[132] = 1;
	trans[0][132]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][133]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][134]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][135]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][136]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	trans[0][138]	= settr(0,0,0,0,0,"s[cur].key = 0",0,0,0);
	trans[0][139]	= settr(0,0,0,0,0,"s[cur].peer = 0",0,0,0);
	trans[0][140]	= settr(0,0,0,0,0,"s[cur].serves = 0",0,0,0);
	trans[0][141]	= settr(0,0,0,0,0,"s[cur].is_adv = 0",0,0,0);
	trans[0][145]	= settr(144,2,150,1,0,".(goto)", 1, 2, 0); /* m: 150 -> 0,540 */
	reached0[150] = 1;
	trans[0][143]	= settr(142,2,150,2,0,"else", 1, 2, 0);
	trans[0][149]	= settr(148,2,150,1,0,".(goto)", 1, 2, 0); /* m: 150 -> 0,540 */
	reached0[150] = 1;
	trans[0][147]	= settr(146,2,150,2,0,"else", 1, 2, 0);
	trans[0][150]	= settr(149,0,540,158,158,"cur = 0", 1, 2, 0); /* m: 151 -> 0,540 */
	reached0[151] = 1;
	trans[0][151]	= settr(0,0,0,0,0,"nonce = 0",0,0,0);
	trans[0][152]	= settr(0,0,0,0,0,"is_lost = 0",0,0,0);
	trans[0][153]	= settr(0,0,0,0,0,"gw = idle",0,0,0);
	trans[0][157]	= settr(0,0,0,0,0,"e = 0",0,0,0);
	T = trans[ 0][220] = settr(219,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(219,2,160,0,0,"ATOMIC", 1, 2, 0);
	trans[0][160]	= settr(159,2,218,159,0,"(((gw==judged)&&(s[cur].what==0)))", 1, 2, 0);
	T = trans[0][218] = settr(217,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(217,2,161,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(217,2,203,0,0,"IF", 1, 2, 0);
	trans[0][161]	= settr(160,2,162,160,0,"(((policy<high)&&!((rule==11))))", 1, 2, 0);
	trans[0][162]	= settr(161,2,163,161,161,"{c_code4}", 1, 2, 0);
	trans[0][163]	= settr(162,2,202,162,162,"is_lost = 1", 1, 2, 0);
	T = trans[ 0][202] = settr(201,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(201,0,167,0,0,"sub-sequence", 1, 2, 0);
	T = trans[0][167] = settr(166,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(166,2,164,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(166,2,166,0,0,"IF", 1, 2, 0);
	trans[0][164]	= settr(163,2,174,163,163,"((is_lost&&!((rule==17))))", 1, 2, 0); /* m: 165 -> 174,0 */
	reached0[165] = 1;
	trans[0][165]	= settr(0,0,0,0,0,"using = 0",0,0,0);
	trans[0][168]	= settr(167,2,174,1,0,".(goto)", 1, 2, 0);
	trans[0][166]	= settr(165,2,174,2,0,"else", 1, 2, 0);
	T = trans[0][174] = settr(173,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(173,2,169,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(173,2,171,0,0,"IF", 1, 2, 0);
	trans[0][169]	= settr(168,2,170,164,0,"((!(is_lost)||!(using)))", 1, 2, 0);
	trans[0][170]	= settr(169,2,196,1,0,"(1)", 1, 2, 0);
	trans[0][175]	= settr(174,2,196,1,0,".(goto)", 1, 2, 0);
	trans[0][171]	= settr(170,2,172,2,0,"else", 1, 2, 0);
	trans[0][172]	= settr(171,2,196,165,165,"broken = 8", 1, 2, 0); /* m: 173 -> 0,196 */
	reached0[173] = 1;
	trans[0][173]	= settr(0,0,0,0,0,"assert((broken!=8))",0,0,0);
	T = trans[0][196] = settr(195,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(195,2,176,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(195,2,195,0,0,"IF", 1, 2, 0);
	trans[0][176]	= settr(175,2,194,166,0,"((cur!=0))", 1, 2, 0);
	T = trans[ 0][194] = settr(193,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(193,0,177,0,0,"sub-sequence", 1, 2, 0);
	trans[0][177]	= settr(176,2,192,167,167,"s[cur].has_client = 0", 1, 2, 0);
	T = trans[0][192] = settr(191,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(191,2,178,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(191,2,191,0,0,"IF", 1, 2, 0);
	trans[0][178]	= settr(177,2,190,168,0,"(!(s[cur].has_image))", 1, 2, 0);
	T = trans[ 0][190] = settr(189,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(189,0,185,0,0,"sub-sequence", 1, 2, 0);
	T = trans[ 0][185] = settr(184,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(184,0,179,0,0,"sub-sequence", 1, 2, 0);
	trans[0][179]	= settr(178,0,540,169,169,"s[cur].what = 0", 1, 2, 0); /* m: 180 -> 0,540 */
	reached0[180] = 1;
	trans[0][180]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][181]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][182]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][183]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][184]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	trans[0][186]	= settr(0,0,0,0,0,"s[cur].key = 0",0,0,0);
	trans[0][187]	= settr(0,0,0,0,0,"s[cur].peer = 0",0,0,0);
	trans[0][188]	= settr(0,0,0,0,0,"s[cur].serves = 0",0,0,0);
	trans[0][189]	= settr(0,0,0,0,0,"s[cur].is_adv = 0",0,0,0);
	trans[0][193]	= settr(192,2,198,1,0,".(goto)", 1, 2, 0); /* m: 198 -> 0,540 */
	reached0[198] = 1;
	trans[0][191]	= settr(190,2,198,2,0,"else", 1, 2, 0);
	trans[0][197]	= settr(196,2,198,1,0,".(goto)", 1, 2, 0); /* m: 198 -> 0,540 */
	reached0[198] = 1;
	trans[0][195]	= settr(194,2,198,2,0,"else", 1, 2, 0);
	trans[0][198]	= settr(197,0,540,170,170,"cur = 0", 1, 2, 0); /* m: 199 -> 0,540 */
	reached0[199] = 1;
	trans[0][199]	= settr(0,0,0,0,0,"nonce = 0",0,0,0);
	trans[0][200]	= settr(0,0,0,0,0,"is_lost = 0",0,0,0);
	trans[0][201]	= settr(0,0,0,0,0,"gw = idle",0,0,0);
	trans[0][219]	= settr(218,0,540,171,171,".(goto)", 1, 2, 0);
	trans[0][203]	= settr(202,2,204,2,0,"else", 1, 2, 0);
	trans[0][204]	= settr(203,2,210,172,172,"high = policy", 1, 2, 0);
	T = trans[0][210] = settr(209,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(209,2,205,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(209,2,207,0,0,"IF", 1, 2, 0);
	trans[0][205]	= settr(204,2,206,173,0,"((policy>=high_ever))", 1, 2, 0);
	trans[0][206]	= settr(205,0,540,174,174,"(1)", 1, 2, 0); /* m: 212 -> 540,0 */
	reached0[212] = 1;
	trans[0][211]	= settr(210,2,212,1,0,".(goto)", 1, 2, 0); /* m: 212 -> 0,540 */
	reached0[212] = 1;
	trans[0][207]	= settr(206,2,208,2,0,"else", 1, 2, 0);
	trans[0][208]	= settr(207,0,540,175,175,"broken = 5", 1, 2, 0); /* m: 209 -> 0,540 */
	reached0[209] = 1;
	trans[0][209]	= settr(0,0,0,0,0,"assert((broken!=5))",0,0,0);
	trans[0][212]	= settr(211,0,540,176,176,"high_ever = ( ((policy>high_ever)) -> (policy) : (high_ever) )", 1, 2, 0); /* m: 213 -> 0,540 */
	reached0[213] = 1;
	trans[0][213]	= settr(0,0,0,0,0,"begun = (( ((begun>confirmed)) -> (begun) : (confirmed) )+1)",0,0,0);
	trans[0][214]	= settr(0,0,0,0,0,"s[cur].what = 2",0,0,0);
	trans[0][215]	= settr(0,0,0,0,0,"s[cur].a = policy",0,0,0);
	trans[0][216]	= settr(0,0,0,0,0,"s[cur].b = begun",0,0,0);
	trans[0][217]	= settr(0,0,0,0,0,"gw = provisioned",0,0,0);
	T = trans[ 0][255] = settr(254,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(254,2,221,0,0,"ATOMIC", 1, 2, 0);
	trans[0][221]	= settr(220,2,225,177,0,"((((gw==provisioned)&&(s[cur].what==5))&&(s[cur].a==2)))", 1, 2, 0);
	T = trans[0][225] = settr(224,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(224,2,222,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(224,2,224,0,0,"IF", 1, 2, 0);
	trans[0][222]	= settr(221,2,236,178,178,"(((holder!=0)&&(s[cur].id!=holder)))", 1, 2, 0); /* m: 223 -> 236,0 */
	reached0[223] = 1;
	trans[0][223]	= settr(0,0,0,0,0,"latest[holder] = 99",0,0,0);
	trans[0][226]	= settr(225,2,227,1,0,".(goto)", 1, 2, 0); /* m: 227 -> 0,236 */
	reached0[227] = 1;
	trans[0][224]	= settr(223,2,227,2,0,"else", 1, 2, 0);
	trans[0][227]	= settr(226,2,236,179,179,"holder = s[cur].id", 1, 2, 0); /* m: 228 -> 0,236 */
	reached0[228] = 1;
	trans[0][228]	= settr(0,0,0,0,0,"confirmed = begun",0,0,0);
	trans[0][229]	= settr(0,0,0,0,0,"latest[holder] = confirmed",0,0,0);
	T = trans[ 0][236] = settr(235,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(235,0,230,0,0,"sub-sequence", 1, 2, 0);
	trans[0][230]	= settr(229,2,254,180,180,"s[cur].what = 0", 1, 2, 0); /* m: 231 -> 0,254 */
	reached0[231] = 1;
	trans[0][231]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][232]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][233]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][234]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][235]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	T = trans[ 0][254] = settr(253,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(253,0,237,0,0,"sub-sequence", 1, 2, 0);
	trans[0][237]	= settr(236,2,245,181,181,"s[cur].what = 3", 1, 2, 0); /* m: 238 -> 0,245 */
	reached0[238] = 1;
	trans[0][238]	= settr(0,0,0,0,0,"s[cur].a = 1",0,0,0);
	trans[0][239]	= settr(0,0,0,0,0,"using = 1",0,0,0);
	T = trans[0][245] = settr(244,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(244,2,240,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(244,2,242,0,0,"IF", 1, 2, 0);
	trans[0][240]	= settr(239,2,241,182,0,"(!((s[cur].is_adv||(s[cur].peer==0))))", 1, 2, 0);
	trans[0][241]	= settr(240,2,252,1,0,"(1)", 1, 2, 0);
	trans[0][246]	= settr(245,2,252,1,0,".(goto)", 1, 2, 0);
	trans[0][242]	= settr(241,2,243,2,0,"else", 1, 2, 0);
	trans[0][243]	= settr(242,2,252,183,183,"broken = 1", 1, 2, 0); /* m: 244 -> 0,252 */
	reached0[244] = 1;
	trans[0][244]	= settr(0,0,0,0,0,"assert((broken!=1))",0,0,0);
	T = trans[0][252] = settr(251,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(251,2,247,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(251,2,249,0,0,"IF", 1, 2, 0);
	trans[0][247]	= settr(246,2,248,184,0,"((policy>=high_ever))", 1, 2, 0);
	trans[0][248]	= settr(247,0,540,185,185,"(1)", 1, 2, 0); /* m: 253 -> 540,0 */
	reached0[253] = 1;
	trans[0][253]	= settr(252,0,540,186,186,".(goto)", 1, 2, 0);
	trans[0][249]	= settr(248,2,250,2,0,"else", 1, 2, 0);
	trans[0][250]	= settr(249,0,540,187,187,"broken = 5", 1, 2, 0); /* m: 251 -> 0,540 */
	reached0[251] = 1;
	trans[0][251]	= settr(0,0,0,0,0,"assert((broken!=5))",0,0,0);
	T = trans[ 0][266] = settr(265,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(265,2,256,0,0,"ATOMIC", 1, 2, 0);
	trans[0][256]	= settr(255,2,257,188,0,"((((gw==provisioned)&&(s[cur].what==5))&&(s[cur].a==3)))", 1, 2, 0);
	trans[0][257]	= settr(256,2,264,189,189,"{c_code5}", 1, 2, 0);
	T = trans[ 0][264] = settr(263,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(263,0,258,0,0,"sub-sequence", 1, 2, 0);
	trans[0][258]	= settr(257,0,540,190,190,"s[cur].what = 0", 1, 2, 0); /* m: 259 -> 0,540 */
	reached0[259] = 1;
	trans[0][259]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][260]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][261]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][262]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][263]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	trans[0][265]	= settr(0,0,0,0,0,"gw = running",0,0,0);
	T = trans[ 0][287] = settr(286,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(286,2,267,0,0,"ATOMIC", 1, 2, 0);
	trans[0][267]	= settr(266,2,286,191,191,"((((gw==running)&&(s[cur].what==0))&&(rekeys<1)))", 1, 2, 0); /* m: 268 -> 286,0 */
	reached0[268] = 1;
	trans[0][268]	= settr(0,0,0,0,0,"rekeys = (rekeys+1)",0,0,0);
	T = trans[ 0][286] = settr(285,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(285,0,269,0,0,"sub-sequence", 1, 2, 0);
	trans[0][269]	= settr(268,2,277,192,192,"s[cur].what = 3", 1, 2, 0); /* m: 270 -> 0,277 */
	reached0[270] = 1;
	trans[0][270]	= settr(0,0,0,0,0,"s[cur].a = 1",0,0,0);
	trans[0][271]	= settr(0,0,0,0,0,"using = 1",0,0,0);
	T = trans[0][277] = settr(276,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(276,2,272,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(276,2,274,0,0,"IF", 1, 2, 0);
	trans[0][272]	= settr(271,2,273,193,0,"(!((s[cur].is_adv||(s[cur].peer==0))))", 1, 2, 0);
	trans[0][273]	= settr(272,2,284,1,0,"(1)", 1, 2, 0);
	trans[0][278]	= settr(277,2,284,1,0,".(goto)", 1, 2, 0);
	trans[0][274]	= settr(273,2,275,2,0,"else", 1, 2, 0);
	trans[0][275]	= settr(274,2,284,194,194,"broken = 1", 1, 2, 0); /* m: 276 -> 0,284 */
	reached0[276] = 1;
	trans[0][276]	= settr(0,0,0,0,0,"assert((broken!=1))",0,0,0);
	T = trans[0][284] = settr(283,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(283,2,279,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(283,2,281,0,0,"IF", 1, 2, 0);
	trans[0][279]	= settr(278,2,280,195,0,"((policy>=high_ever))", 1, 2, 0);
	trans[0][280]	= settr(279,0,540,196,196,"(1)", 1, 2, 0); /* m: 285 -> 540,0 */
	reached0[285] = 1;
	trans[0][285]	= settr(284,0,540,197,197,".(goto)", 1, 2, 0);
	trans[0][281]	= settr(280,2,282,2,0,"else", 1, 2, 0);
	trans[0][282]	= settr(281,0,540,198,198,"broken = 5", 1, 2, 0); /* m: 283 -> 0,540 */
	reached0[283] = 1;
	trans[0][283]	= settr(0,0,0,0,0,"assert((broken!=5))",0,0,0);
	T = trans[ 0][297] = settr(296,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(296,2,288,0,0,"ATOMIC", 1, 2, 0);
	trans[0][288]	= settr(287,2,289,199,0,"(((gw==running)&&(s[cur].what==5)))", 1, 2, 0);
	trans[0][289]	= settr(288,2,296,200,200,"{c_code6}", 1, 2, 0);
	T = trans[ 0][296] = settr(295,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(295,0,290,0,0,"sub-sequence", 1, 2, 0);
	trans[0][290]	= settr(289,0,540,201,201,"s[cur].what = 0", 1, 2, 0); /* m: 291 -> 0,540 */
	reached0[291] = 1;
	trans[0][291]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][292]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][293]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][294]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][295]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	T = trans[ 0][305] = settr(304,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(304,2,298,0,0,"ATOMIC", 1, 2, 0);
	trans[0][298]	= settr(297,2,304,202,0,"((((gw==running)&&(s[cur].what==0))&&(nonces<nonces_max)))", 1, 2, 0);
	T = trans[ 0][304] = settr(303,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(303,0,299,0,0,"sub-sequence", 1, 2, 0);
	trans[0][299]	= settr(298,0,540,203,203,"nonces = (nonces+1)", 1, 2, 0); /* m: 300 -> 0,540 */
	reached0[300] = 1;
	trans[0][300]	= settr(0,0,0,0,0,"nonce = nonces",0,0,0);
	trans[0][301]	= settr(0,0,0,0,0,"s[cur].what = 1",0,0,0);
	trans[0][302]	= settr(0,0,0,0,0,"s[cur].a = nonce",0,0,0);
	trans[0][303]	= settr(0,0,0,0,0,"gw = 1",0,0,0);
	T = trans[ 0][454] = settr(453,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(453,2,306,0,0,"ATOMIC", 1, 2, 0);
	trans[0][306]	= settr(305,2,307,204,0,"(((gw==asked_again)&&(s[cur].what==4)))", 1, 2, 0);
	trans[0][307]	= settr(306,2,453,205,205,"{c_code7}", 1, 2, 0);
	T = trans[ 0][453] = settr(452,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(452,0,308,0,0,"sub-sequence", 1, 2, 0);
	trans[0][308]	= settr(307,2,318,206,206,"e = 0", 1, 2, 0);
	T = trans[0][318] = settr(317,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(317,2,309,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(317,2,311,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(317,2,313,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(317,2,315,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(317,2,317,0,0,"IF", 1, 2, 0);
	trans[0][309]	= settr(308,2,450,207,207,"(((((((0<quotes)&&((rule==1)||(q[0].exporter==cur)))&&((rule==2)||(q[0].key==s[cur].key)))&&((rule==3)||(q[0].serves==1)))&&((rule==5)||(q[0].version==s[cur].version)))&&((rule==4)||(q[0].nonce==nonce))))", 1, 2, 0); /* m: 310 -> 450,0 */
	reached0[310] = 1;
	trans[0][310]	= settr(0,0,0,0,0,"e = 0",0,0,0);
	trans[0][319]	= settr(318,2,450,1,0,".(goto)", 1, 2, 0);
	trans[0][311]	= settr(310,2,450,208,208,"(((((((1<quotes)&&((rule==1)||(q[1].exporter==cur)))&&((rule==2)||(q[1].key==s[cur].key)))&&((rule==3)||(q[1].serves==1)))&&((rule==5)||(q[1].version==s[cur].version)))&&((rule==4)||(q[1].nonce==nonce))))", 1, 2, 0); /* m: 312 -> 450,0 */
	reached0[312] = 1;
	trans[0][312]	= settr(0,0,0,0,0,"e = 1",0,0,0);
	trans[0][313]	= settr(312,2,450,209,209,"(((((((2<quotes)&&((rule==1)||(q[2].exporter==cur)))&&((rule==2)||(q[2].key==s[cur].key)))&&((rule==3)||(q[2].serves==1)))&&((rule==5)||(q[2].version==s[cur].version)))&&((rule==4)||(q[2].nonce==nonce))))", 1, 2, 0); /* m: 314 -> 450,0 */
	reached0[314] = 1;
	trans[0][314]	= settr(0,0,0,0,0,"e = 2",0,0,0);
	trans[0][315]	= settr(314,2,450,210,210,"(((rule==6)||(rule==7)))", 1, 2, 0); /* m: 316 -> 450,0 */
	reached0[316] = 1;
	trans[0][316]	= settr(0,0,0,0,0,"e = 10",0,0,0);
	trans[0][317]	= settr(316,2,450,211,211,"e = 11", 1, 2, 0);
	T = trans[0][450] = settr(449,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(449,2,320,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(449,2,366,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(449,2,408,0,0,"IF", 1, 2, 0);
	trans[0][320]	= settr(319,2,356,212,0,"(((e!=11)&&(((rule==13)||(s[cur].epoch==0))||((s[cur].id==holder)&&((s[cur].epoch==confirmed)||(s[cur].epoch==begun))))))", 1, 2, 0);
	T = trans[ 0][356] = settr(355,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(355,0,326,0,0,"sub-sequence", 1, 2, 0);
	T = trans[0][326] = settr(325,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(325,2,321,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(325,2,323,0,0,"IF", 1, 2, 0);
	trans[0][321]	= settr(320,2,322,213,0,"((s[cur].peer!=0))", 1, 2, 0);
	trans[0][322]	= settr(321,2,333,1,0,"(1)", 1, 2, 0);
	trans[0][327]	= settr(326,2,333,1,0,".(goto)", 1, 2, 0);
	trans[0][323]	= settr(322,2,324,2,0,"else", 1, 2, 0);
	trans[0][324]	= settr(323,2,333,214,214,"broken = 3", 1, 2, 0); /* m: 325 -> 0,333 */
	reached0[325] = 1;
	trans[0][325]	= settr(0,0,0,0,0,"assert((broken!=3))",0,0,0);
	T = trans[0][333] = settr(332,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(332,2,328,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(332,2,330,0,0,"IF", 1, 2, 0);
	trans[0][328]	= settr(327,2,329,215,0,"((s[cur].key==s[cur].peer))", 1, 2, 0);
	trans[0][329]	= settr(328,2,340,1,0,"(1)", 1, 2, 0);
	trans[0][334]	= settr(333,2,340,1,0,".(goto)", 1, 2, 0);
	trans[0][330]	= settr(329,2,331,2,0,"else", 1, 2, 0);
	trans[0][331]	= settr(330,2,340,216,216,"broken = 3", 1, 2, 0); /* m: 332 -> 0,340 */
	reached0[332] = 1;
	trans[0][332]	= settr(0,0,0,0,0,"assert((broken!=3))",0,0,0);
	T = trans[0][340] = settr(339,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(339,2,335,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(339,2,337,0,0,"IF", 1, 2, 0);
	trans[0][335]	= settr(334,2,336,217,0,"((s[cur].serves==1))", 1, 2, 0);
	trans[0][336]	= settr(335,2,347,1,0,"(1)", 1, 2, 0);
	trans[0][341]	= settr(340,2,347,1,0,".(goto)", 1, 2, 0);
	trans[0][337]	= settr(336,2,338,2,0,"else", 1, 2, 0);
	trans[0][338]	= settr(337,2,347,218,218,"broken = 3", 1, 2, 0); /* m: 339 -> 0,347 */
	reached0[339] = 1;
	trans[0][339]	= settr(0,0,0,0,0,"assert((broken!=3))",0,0,0);
	T = trans[0][347] = settr(346,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(346,2,342,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(346,2,344,0,0,"IF", 1, 2, 0);
	trans[0][342]	= settr(341,2,343,219,0,"(((e>=3)||(q[e].nonce==nonce)))", 1, 2, 0);
	trans[0][343]	= settr(342,2,354,1,0,"(1)", 1, 2, 0);
	trans[0][348]	= settr(347,2,354,1,0,".(goto)", 1, 2, 0);
	trans[0][344]	= settr(343,2,345,2,0,"else", 1, 2, 0);
	trans[0][345]	= settr(344,2,354,220,220,"broken = 4", 1, 2, 0); /* m: 346 -> 0,354 */
	reached0[346] = 1;
	trans[0][346]	= settr(0,0,0,0,0,"assert((broken!=4))",0,0,0);
	T = trans[0][354] = settr(353,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(353,2,349,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(353,2,351,0,0,"IF", 1, 2, 0);
	trans[0][349]	= settr(348,2,350,221,0,"(((s[cur].epoch==0)||((latest[s[cur].id]!=99)&&(s[cur].epoch>=latest[s[cur].id]))))", 1, 2, 0);
	trans[0][350]	= settr(349,2,365,222,222,"(1)", 1, 2, 0); /* m: 357 -> 365,0 */
	reached0[357] = 1;
	trans[0][355]	= settr(354,2,357,1,0,".(goto)", 1, 2, 0); /* m: 357 -> 0,365 */
	reached0[357] = 1;
	trans[0][351]	= settr(350,2,352,2,0,"else", 1, 2, 0);
	trans[0][352]	= settr(351,2,365,223,223,"broken = 6", 1, 2, 0); /* m: 353 -> 0,365 */
	reached0[353] = 1;
	trans[0][353]	= settr(0,0,0,0,0,"assert((broken!=6))",0,0,0);
	trans[0][357]	= settr(356,2,365,224,224,"gw = 2", 1, 2, 0); /* m: 358 -> 0,365 */
	reached0[358] = 1;
	trans[0][358]	= settr(0,0,0,0,0,"nonce = 0",0,0,0);
	T = trans[ 0][365] = settr(364,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(364,0,359,0,0,"sub-sequence", 1, 2, 0);
	trans[0][359]	= settr(358,0,540,225,225,"s[cur].what = 0", 1, 2, 0); /* m: 360 -> 0,540 */
	reached0[360] = 1;
	trans[0][360]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][361]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][362]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][363]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][364]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	trans[0][451]	= settr(450,0,540,226,226,".(goto)", 1, 2, 0); /* m: 452 -> 0,540 */
	reached0[452] = 1;
	trans[0][366]	= settr(365,2,367,227,0,"(((e!=11)&&!((((rule==13)||(s[cur].epoch==0))||((s[cur].id==holder)&&((s[cur].epoch==confirmed)||(s[cur].epoch==begun)))))))", 1, 2, 0);
	trans[0][367]	= settr(366,2,368,228,228,"{c_code8}", 1, 2, 0);
	trans[0][368]	= settr(367,2,407,229,229,"is_lost = 1", 1, 2, 0);
	T = trans[ 0][407] = settr(406,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(406,0,372,0,0,"sub-sequence", 1, 2, 0);
	T = trans[0][372] = settr(371,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(371,2,369,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(371,2,371,0,0,"IF", 1, 2, 0);
	trans[0][369]	= settr(368,2,379,230,230,"((is_lost&&!((rule==17))))", 1, 2, 0); /* m: 370 -> 379,0 */
	reached0[370] = 1;
	trans[0][370]	= settr(0,0,0,0,0,"using = 0",0,0,0);
	trans[0][373]	= settr(372,2,379,1,0,".(goto)", 1, 2, 0);
	trans[0][371]	= settr(370,2,379,2,0,"else", 1, 2, 0);
	T = trans[0][379] = settr(378,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(378,2,374,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(378,2,376,0,0,"IF", 1, 2, 0);
	trans[0][374]	= settr(373,2,375,231,0,"((!(is_lost)||!(using)))", 1, 2, 0);
	trans[0][375]	= settr(374,2,401,1,0,"(1)", 1, 2, 0);
	trans[0][380]	= settr(379,2,401,1,0,".(goto)", 1, 2, 0);
	trans[0][376]	= settr(375,2,377,2,0,"else", 1, 2, 0);
	trans[0][377]	= settr(376,2,401,232,232,"broken = 8", 1, 2, 0); /* m: 378 -> 0,401 */
	reached0[378] = 1;
	trans[0][378]	= settr(0,0,0,0,0,"assert((broken!=8))",0,0,0);
	T = trans[0][401] = settr(400,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(400,2,381,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(400,2,400,0,0,"IF", 1, 2, 0);
	trans[0][381]	= settr(380,2,399,233,0,"((cur!=0))", 1, 2, 0);
	T = trans[ 0][399] = settr(398,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(398,0,382,0,0,"sub-sequence", 1, 2, 0);
	trans[0][382]	= settr(381,2,397,234,234,"s[cur].has_client = 0", 1, 2, 0);
	T = trans[0][397] = settr(396,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(396,2,383,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(396,2,396,0,0,"IF", 1, 2, 0);
	trans[0][383]	= settr(382,2,395,235,0,"(!(s[cur].has_image))", 1, 2, 0);
	T = trans[ 0][395] = settr(394,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(394,0,390,0,0,"sub-sequence", 1, 2, 0);
	T = trans[ 0][390] = settr(389,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(389,0,384,0,0,"sub-sequence", 1, 2, 0);
	trans[0][384]	= settr(383,0,540,236,236,"s[cur].what = 0", 1, 2, 0); /* m: 385 -> 0,540 */
	reached0[385] = 1;
	trans[0][385]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][386]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][387]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][388]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][389]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	trans[0][391]	= settr(0,0,0,0,0,"s[cur].key = 0",0,0,0);
	trans[0][392]	= settr(0,0,0,0,0,"s[cur].peer = 0",0,0,0);
	trans[0][393]	= settr(0,0,0,0,0,"s[cur].serves = 0",0,0,0);
	trans[0][394]	= settr(0,0,0,0,0,"s[cur].is_adv = 0",0,0,0);
	trans[0][398]	= settr(397,2,403,1,0,".(goto)", 1, 2, 0); /* m: 403 -> 0,540 */
	reached0[403] = 1;
	trans[0][396]	= settr(395,2,403,2,0,"else", 1, 2, 0);
	trans[0][402]	= settr(401,2,403,1,0,".(goto)", 1, 2, 0); /* m: 403 -> 0,540 */
	reached0[403] = 1;
	trans[0][400]	= settr(399,2,403,2,0,"else", 1, 2, 0);
	trans[0][403]	= settr(402,0,540,237,237,"cur = 0", 1, 2, 0); /* m: 404 -> 0,540 */
	reached0[404] = 1;
	trans[0][404]	= settr(0,0,0,0,0,"nonce = 0",0,0,0);
	trans[0][405]	= settr(0,0,0,0,0,"is_lost = 0",0,0,0);
	trans[0][406]	= settr(0,0,0,0,0,"gw = idle",0,0,0);
	trans[0][408]	= settr(407,2,409,238,0,"((e==11))", 1, 2, 0);
	trans[0][409]	= settr(408,2,410,239,239,"{c_code9}", 1, 2, 0);
	trans[0][410]	= settr(409,2,449,240,240,"is_lost = 1", 1, 2, 0);
	T = trans[ 0][449] = settr(448,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(448,0,414,0,0,"sub-sequence", 1, 2, 0);
	T = trans[0][414] = settr(413,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(413,2,411,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(413,2,413,0,0,"IF", 1, 2, 0);
	trans[0][411]	= settr(410,2,421,241,241,"((is_lost&&!((rule==17))))", 1, 2, 0); /* m: 412 -> 421,0 */
	reached0[412] = 1;
	trans[0][412]	= settr(0,0,0,0,0,"using = 0",0,0,0);
	trans[0][415]	= settr(414,2,421,1,0,".(goto)", 1, 2, 0);
	trans[0][413]	= settr(412,2,421,2,0,"else", 1, 2, 0);
	T = trans[0][421] = settr(420,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(420,2,416,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(420,2,418,0,0,"IF", 1, 2, 0);
	trans[0][416]	= settr(415,2,417,242,0,"((!(is_lost)||!(using)))", 1, 2, 0);
	trans[0][417]	= settr(416,2,443,1,0,"(1)", 1, 2, 0);
	trans[0][422]	= settr(421,2,443,1,0,".(goto)", 1, 2, 0);
	trans[0][418]	= settr(417,2,419,2,0,"else", 1, 2, 0);
	trans[0][419]	= settr(418,2,443,243,243,"broken = 8", 1, 2, 0); /* m: 420 -> 0,443 */
	reached0[420] = 1;
	trans[0][420]	= settr(0,0,0,0,0,"assert((broken!=8))",0,0,0);
	T = trans[0][443] = settr(442,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(442,2,423,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(442,2,442,0,0,"IF", 1, 2, 0);
	trans[0][423]	= settr(422,2,441,244,0,"((cur!=0))", 1, 2, 0);
	T = trans[ 0][441] = settr(440,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(440,0,424,0,0,"sub-sequence", 1, 2, 0);
	trans[0][424]	= settr(423,2,439,245,245,"s[cur].has_client = 0", 1, 2, 0);
	T = trans[0][439] = settr(438,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(438,2,425,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(438,2,438,0,0,"IF", 1, 2, 0);
	trans[0][425]	= settr(424,2,437,246,0,"(!(s[cur].has_image))", 1, 2, 0);
	T = trans[ 0][437] = settr(436,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(436,0,432,0,0,"sub-sequence", 1, 2, 0);
	T = trans[ 0][432] = settr(431,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(431,0,426,0,0,"sub-sequence", 1, 2, 0);
	trans[0][426]	= settr(425,0,540,247,247,"s[cur].what = 0", 1, 2, 0); /* m: 427 -> 0,540 */
	reached0[427] = 1;
	trans[0][427]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][428]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][429]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][430]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][431]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	trans[0][433]	= settr(0,0,0,0,0,"s[cur].key = 0",0,0,0);
	trans[0][434]	= settr(0,0,0,0,0,"s[cur].peer = 0",0,0,0);
	trans[0][435]	= settr(0,0,0,0,0,"s[cur].serves = 0",0,0,0);
	trans[0][436]	= settr(0,0,0,0,0,"s[cur].is_adv = 0",0,0,0);
	trans[0][440]	= settr(439,2,445,1,0,".(goto)", 1, 2, 0); /* m: 445 -> 0,540 */
	reached0[445] = 1;
	trans[0][438]	= settr(437,2,445,2,0,"else", 1, 2, 0);
	trans[0][444]	= settr(443,2,445,1,0,".(goto)", 1, 2, 0); /* m: 445 -> 0,540 */
	reached0[445] = 1;
	trans[0][442]	= settr(441,2,445,2,0,"else", 1, 2, 0);
	trans[0][445]	= settr(444,0,540,248,248,"cur = 0", 1, 2, 0); /* m: 446 -> 0,540 */
	reached0[446] = 1;
	trans[0][446]	= settr(0,0,0,0,0,"nonce = 0",0,0,0);
	trans[0][447]	= settr(0,0,0,0,0,"is_lost = 0",0,0,0);
	trans[0][448]	= settr(0,0,0,0,0,"gw = idle",0,0,0);
	trans[0][452]	= settr(0,0,0,0,0,"e = 0",0,0,0);
	T = trans[ 0][495] = settr(494,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(494,2,455,0,0,"ATOMIC", 1, 2, 0);
	trans[0][455]	= settr(454,2,494,249,0,"(((cur!=0)&&(gw!=idle)))", 1, 2, 0);
	T = trans[ 0][494] = settr(493,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(493,0,459,0,0,"sub-sequence", 1, 2, 0);
	T = trans[0][459] = settr(458,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(458,2,456,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(458,2,458,0,0,"IF", 1, 2, 0);
	trans[0][456]	= settr(455,2,466,250,250,"((is_lost&&!((rule==17))))", 1, 2, 0); /* m: 457 -> 466,0 */
	reached0[457] = 1;
	trans[0][457]	= settr(0,0,0,0,0,"using = 0",0,0,0);
	trans[0][460]	= settr(459,2,466,1,0,".(goto)", 1, 2, 0);
	trans[0][458]	= settr(457,2,466,2,0,"else", 1, 2, 0);
	T = trans[0][466] = settr(465,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(465,2,461,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(465,2,463,0,0,"IF", 1, 2, 0);
	trans[0][461]	= settr(460,2,462,251,0,"((!(is_lost)||!(using)))", 1, 2, 0);
	trans[0][462]	= settr(461,2,488,1,0,"(1)", 1, 2, 0);
	trans[0][467]	= settr(466,2,488,1,0,".(goto)", 1, 2, 0);
	trans[0][463]	= settr(462,2,464,2,0,"else", 1, 2, 0);
	trans[0][464]	= settr(463,2,488,252,252,"broken = 8", 1, 2, 0); /* m: 465 -> 0,488 */
	reached0[465] = 1;
	trans[0][465]	= settr(0,0,0,0,0,"assert((broken!=8))",0,0,0);
	T = trans[0][488] = settr(487,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(487,2,468,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(487,2,487,0,0,"IF", 1, 2, 0);
	trans[0][468]	= settr(467,2,486,253,0,"((cur!=0))", 1, 2, 0);
	T = trans[ 0][486] = settr(485,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(485,0,469,0,0,"sub-sequence", 1, 2, 0);
	trans[0][469]	= settr(468,2,484,254,254,"s[cur].has_client = 0", 1, 2, 0);
	T = trans[0][484] = settr(483,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(483,2,470,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(483,2,483,0,0,"IF", 1, 2, 0);
	trans[0][470]	= settr(469,2,482,255,0,"(!(s[cur].has_image))", 1, 2, 0);
	T = trans[ 0][482] = settr(481,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(481,0,477,0,0,"sub-sequence", 1, 2, 0);
	T = trans[ 0][477] = settr(476,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(476,0,471,0,0,"sub-sequence", 1, 2, 0);
	trans[0][471]	= settr(470,0,540,256,256,"s[cur].what = 0", 1, 2, 0); /* m: 472 -> 0,540 */
	reached0[472] = 1;
	trans[0][472]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][473]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][474]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][475]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][476]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	trans[0][478]	= settr(0,0,0,0,0,"s[cur].key = 0",0,0,0);
	trans[0][479]	= settr(0,0,0,0,0,"s[cur].peer = 0",0,0,0);
	trans[0][480]	= settr(0,0,0,0,0,"s[cur].serves = 0",0,0,0);
	trans[0][481]	= settr(0,0,0,0,0,"s[cur].is_adv = 0",0,0,0);
	trans[0][485]	= settr(484,2,490,1,0,".(goto)", 1, 2, 0); /* m: 490 -> 0,540 */
	reached0[490] = 1;
	trans[0][483]	= settr(482,2,490,2,0,"else", 1, 2, 0);
	trans[0][489]	= settr(488,2,490,1,0,".(goto)", 1, 2, 0); /* m: 490 -> 0,540 */
	reached0[490] = 1;
	trans[0][487]	= settr(486,2,490,2,0,"else", 1, 2, 0);
	trans[0][490]	= settr(489,0,540,257,257,"cur = 0", 1, 2, 0); /* m: 491 -> 0,540 */
	reached0[491] = 1;
	trans[0][491]	= settr(0,0,0,0,0,"nonce = 0",0,0,0);
	trans[0][492]	= settr(0,0,0,0,0,"is_lost = 0",0,0,0);
	trans[0][493]	= settr(0,0,0,0,0,"gw = idle",0,0,0);
	T = trans[ 0][498] = settr(497,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(497,2,496,0,0,"ATOMIC", 1, 2, 0);
	trans[0][496]	= settr(495,0,540,258,258,"(((cur==0)&&using))", 1, 2, 0); /* m: 497 -> 540,0 */
	reached0[497] = 1;
	trans[0][497]	= settr(0,0,0,0,0,"using = 0",0,0,0);
	T = trans[ 0][535] = settr(534,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(534,2,499,0,0,"ATOMIC", 1, 2, 0);
	trans[0][499]	= settr(498,2,522,259,259,"(((restarts<1)&&((gw==idle)||(gw==running))))", 1, 2, 0); /* m: 500 -> 522,0 */
	reached0[500] = 1;
	trans[0][500]	= settr(0,0,0,0,0,"restarts = (restarts+1)",0,0,0);
	trans[0][501]	= settr(0,0,0,0,0,"using = 0",0,0,0);
	T = trans[0][522] = settr(521,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(521,2,502,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(521,2,521,0,0,"IF", 1, 2, 0);
	trans[0][502]	= settr(501,2,520,260,0,"((cur!=0))", 1, 2, 0);
	T = trans[ 0][520] = settr(519,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(519,0,503,0,0,"sub-sequence", 1, 2, 0);
	trans[0][503]	= settr(502,2,518,261,261,"s[cur].has_client = 0", 1, 2, 0);
	T = trans[0][518] = settr(517,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(517,2,504,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(517,2,517,0,0,"IF", 1, 2, 0);
	trans[0][504]	= settr(503,2,516,262,0,"(!(s[cur].has_image))", 1, 2, 0);
	T = trans[ 0][516] = settr(515,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(515,0,511,0,0,"sub-sequence", 1, 2, 0);
	T = trans[ 0][511] = settr(510,0,0,0,0,"sub-sequence", 1, 2, 0);
	T->nxt	= settr(510,0,505,0,0,"sub-sequence", 1, 2, 0);
	trans[0][505]	= settr(504,2,529,263,263,"s[cur].what = 0", 1, 2, 0); /* m: 506 -> 0,529 */
	reached0[506] = 1;
	trans[0][506]	= settr(0,0,0,0,0,"s[cur].a = 0",0,0,0);
	trans[0][507]	= settr(0,0,0,0,0,"s[cur].b = 0",0,0,0);
	trans[0][508]	= settr(0,0,0,0,0,"s[cur].version = 0",0,0,0);
	trans[0][509]	= settr(0,0,0,0,0,"s[cur].id = 0",0,0,0);
	trans[0][510]	= settr(0,0,0,0,0,"s[cur].epoch = 0",0,0,0);
	trans[0][512]	= settr(0,0,0,0,0,"s[cur].key = 0",0,0,0);
	trans[0][513]	= settr(0,0,0,0,0,"s[cur].peer = 0",0,0,0);
	trans[0][514]	= settr(0,0,0,0,0,"s[cur].serves = 0",0,0,0);
	trans[0][515]	= settr(0,0,0,0,0,"s[cur].is_adv = 0",0,0,0);
	trans[0][519]	= settr(518,2,524,1,0,".(goto)", 1, 2, 0); /* m: 524 -> 0,529 */
	reached0[524] = 1;
	trans[0][517]	= settr(516,2,524,2,0,"else", 1, 2, 0);
	trans[0][523]	= settr(522,2,524,1,0,".(goto)", 1, 2, 0); /* m: 524 -> 0,529 */
	reached0[524] = 1;
	trans[0][521]	= settr(520,2,524,2,0,"else", 1, 2, 0);
	trans[0][524]	= settr(523,2,529,264,264,"cur = 0", 1, 2, 0); /* m: 525 -> 0,529 */
	reached0[525] = 1;
	trans[0][525]	= settr(0,0,0,0,0,"gw = idle",0,0,0);
	T = trans[0][529] = settr(528,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(528,2,526,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(528,2,528,0,0,"IF", 1, 2, 0);
	trans[0][526]	= settr(525,2,533,265,265,"((rule==11))", 1, 2, 0); /* m: 527 -> 533,0 */
	reached0[527] = 1;
	trans[0][527]	= settr(0,0,0,0,0,"high = 0",0,0,0);
	trans[0][530]	= settr(529,2,533,1,0,".(goto)", 1, 2, 0);
	trans[0][528]	= settr(527,2,533,2,0,"else", 1, 2, 0);
	T = trans[0][533] = settr(532,2,0,0,0,"IF", 1, 2, 0);
	T = T->nxt	= settr(532,2,531,0,0,"IF", 1, 2, 0);
	    T->nxt	= settr(532,2,532,0,0,"IF", 1, 2, 0);
	trans[0][531]	= settr(530,0,540,266,266,"policy = 1", 1, 2, 0); /* m: 534 -> 0,540 */
	reached0[534] = 1;
	trans[0][534]	= settr(533,0,540,267,267,".(goto)", 1, 2, 0);
	trans[0][532]	= settr(531,0,540,268,268,"policy = 2", 1, 2, 0); /* m: 534 -> 0,540 */
	reached0[534] = 1;
	T = trans[ 0][539] = settr(538,2,0,0,0,"ATOMIC", 1, 2, 0);
	T->nxt	= settr(538,2,536,0,0,"ATOMIC", 1, 2, 0);
	trans[0][536]	= settr(535,0,540,269,269,"((((gw==running)&&(s[cur].what==0))&&(policy==1)))", 1, 2, 0); /* m: 537 -> 540,0 */
	reached0[537] = 1;
	trans[0][537]	= settr(0,0,0,0,0,"policy = 2",0,0,0);
	trans[0][538]	= settr(0,0,0,0,0,"gw = judged",0,0,0);
	trans[0][542]	= settr(541,0,543,1,0,"break", 0, 2, 0);
	trans[0][543]	= settr(542,0,0,270,270,"-end-", 0, 3500, 0);
	/* np_ demon: */
	trans[_NP_] = (Trans **) emalloc(3*sizeof(Trans *));
	T = trans[_NP_][0] = settr(9997,0,1,_T5,0,"(np_)", 1,2,0);
	    T->nxt	  = settr(9998,0,0,_T2,0,"(1)",   0,2,0);
	T = trans[_NP_][1] = settr(9999,0,1,_T5,0,"(np_)", 1,2,0);
}

Trans *
settr(	int t_id, int a, int b, int c, int d,
	char *t, int g, int tpe0, int tpe1)
{	Trans *tmp = (Trans *) emalloc(sizeof(Trans));

	tmp->atom  = a&(6|32);	/* only (2|8|32) have meaning */
	if (!g) tmp->atom |= 8;	/* no global references */
	tmp->st    = b;
	tmp->tpe[0] = tpe0;
	tmp->tpe[1] = tpe1;
	tmp->tp    = t;
	tmp->t_id  = t_id;
	tmp->forw  = c;
	tmp->back  = d;
	return tmp;
}

Trans *
cpytr(Trans *a)
{	Trans *tmp = (Trans *) emalloc(sizeof(Trans));

	int i;
	tmp->atom  = a->atom;
	tmp->st    = a->st;
#ifdef HAS_UNLESS
	tmp->e_trans = a->e_trans;
	for (i = 0; i < HAS_UNLESS; i++)
		tmp->escp[i] = a->escp[i];
#endif
	tmp->tpe[0] = a->tpe[0];
	tmp->tpe[1] = a->tpe[1];
	for (i = 0; i < 6; i++)
	{	tmp->qu[i] = a->qu[i];
		tmp->ty[i] = a->ty[i];
	}
	tmp->tp    = (char *) emalloc(strlen(a->tp)+1);
	strcpy(tmp->tp, a->tp);
	tmp->t_id  = a->t_id;
	tmp->forw  = a->forw;
	tmp->back  = a->back;
	return tmp;
}

#ifndef NOREDUCE
int
srinc_set(int n)
{	if (n <= 2) return LOCAL;
	if (n <= 2+  DELTA) return Q_FULL_F; /* 's' or nfull  */
	if (n <= 2+2*DELTA) return Q_EMPT_F; /* 'r' or nempty */
	if (n <= 2+3*DELTA) return Q_EMPT_T; /* empty */
	if (n <= 2+4*DELTA) return Q_FULL_T; /* full  */
	if (n ==   5*DELTA) return GLOBAL;
	if (n ==   6*DELTA) return TIMEOUT_F;
	if (n ==   7*DELTA) return ALPHA_F;
	Uerror("cannot happen srinc_class");
	return BAD;
}
int
srunc(int n, int m)
{	switch(m) {
	case Q_FULL_F: return n-2;
	case Q_EMPT_F: return n-2-DELTA;
	case Q_EMPT_T: return n-2-2*DELTA;
	case Q_FULL_T: return n-2-3*DELTA;
	case ALPHA_F:
	case TIMEOUT_F: return 257; /* non-zero, and > MAXQ */
	}
	Uerror("cannot happen srunc");
	return 0;
}
#endif
int cnt;
#ifdef HAS_UNLESS
int
isthere(Trans *a, int b)
{	Trans *t;
	for (t = a; t; t = t->nxt)
		if (t->t_id == b)
			return 1;
	return 0;
}
#endif
#ifndef NOREDUCE
int
mark_safety(Trans *t) /* for conditional safety */
{	int g = 0, i, j, k;

	if (!t) return 0;
	if (t->qu[0])
		return (t->qu[1])?2:1;	/* marked */

	for (i = 0; i < 2; i++)
	{	j = srinc_set(t->tpe[i]);
		if (j >= GLOBAL && j != ALPHA_F)
			return -1;
		if (j != LOCAL)
		{	k = srunc(t->tpe[i], j);
			if (g == 0
			||  t->qu[0] != k
			||  t->ty[0] != j)
			{	t->qu[g] = k;
				t->ty[g] = j;
				g++;
	}	}	}
	return g;
}
#endif
void
retrans(int n, int m, int is, short srcln[], uchar reach[], uchar lpstate[])
	/* process n, with m states, is=initial state */
{	Trans *T0, *T1, *T2, *T3;
	Trans *T4, *T5; /* t_reverse or has_unless */
	int i;
#if defined(HAS_UNLESS) || !defined(NOREDUCE)
	int k;
#endif
#ifndef NOREDUCE
	int g, h, j, aa;
#endif
#ifdef HAS_UNLESS
	int p;
#endif
	if (state_tables >= 4)
	{	printf("STEP 1 %s\n", 
			procname[n]);
		for (i = 1; i < m; i++)
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
			crack(n, i, T0, srcln);
		return;
	}
	do {
		for (i = 1, cnt = 0; i < m; i++)
		{	T2 = trans[n][i];
			T1 = T2?T2->nxt:(Trans *)0;
/* prescan: */		for (T0 = T1; T0; T0 = T0->nxt)
/* choice in choice */	{	if (T0->st && trans[n][T0->st]
				&&  trans[n][T0->st]->nxt)
					break;
			}
#if 0
		if (T0)
		printf("\tstate %d / %d: choice in choice\n",
		i, T0->st);
#endif
			if (T0)
			for (T0 = T1; T0; T0 = T0->nxt)
			{	T3 = trans[n][T0->st];
				if (!T3->nxt)
				{	T2->nxt = cpytr(T0);
					T2 = T2->nxt;
					imed(T2, T0->st, n, i);
					continue;
				}
				do {	T3 = T3->nxt;
					T2->nxt = cpytr(T3);
					T2 = T2->nxt;
					imed(T2, T0->st, n, i);
				} while (T3->nxt);
				cnt++;
			}
		}
	} while (cnt);
	if (state_tables >= 3)
	{	printf("STEP 2 %s\n", 
			procname[n]);
		for (i = 1; i < m; i++)
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
			crack(n, i, T0, srcln);
		return;
	}
	for (i = 1; i < m; i++)
	{	if (trans[n][i] && trans[n][i]->nxt) /* optimize */
		{	T1 = trans[n][i]->nxt;
#if 0
			printf("\t\tpull %d (%d) to %d\n",
			T1->st, T1->forw, i);
#endif
			srcln[i] = srcln[T1->st];	/* Oyvind Teig, 5.2.0 */

			if (!trans[n][T1->st]) continue;
			T0 = cpytr(trans[n][T1->st]);
			trans[n][i] = T0;
			reach[T1->st] = 1;
			imed(T0, T1->st, n, i);
			for (T1 = T1->nxt; T1; T1 = T1->nxt)
			{
#if 0
			printf("\t\tpull %d (%d) to %d\n",
				T1->st, T1->forw, i);
#endif
		/*		srcln[i] = srcln[T1->st];  gh: not useful */
				if (!trans[n][T1->st]) continue;
				T0->nxt = cpytr(trans[n][T1->st]);
				T0 = T0->nxt;
				reach[T1->st] = 1;
				imed(T0, T1->st, n, i);
	}	}	}
	if (state_tables >= 2)
	{	printf("STEP 3 %s\n", 
			procname[n]);
		for (i = 1; i < m; i++)
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
			crack(n, i, T0, srcln);
		return;
	}
#ifdef HAS_UNLESS
	for (i = 1; i < m; i++)
	{	if (!trans[n][i]) continue;
		/* check for each state i if an
		 * escape to some state p is defined
		 * if so, copy and mark p's transitions
		 * and prepend them to the transition-
		 * list of state i
		 */
	 if (!like_java) /* the default */
	 {	for (T0 = trans[n][i]; T0; T0 = T0->nxt)
		for (k = HAS_UNLESS-1; k >= 0; k--)
		{	if (p = T0->escp[k])
			for (T1 = trans[n][p]; T1; T1 = T1->nxt)
			{	if (isthere(trans[n][i], T1->t_id))
					continue;
				T2 = cpytr(T1);
				T2->e_trans = p;
				T2->nxt = trans[n][i];
				trans[n][i] = T2;
		}	}
	 } else /* outermost unless checked first */
	 {	T4 = T3 = (Trans *) 0;
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
		for (k = HAS_UNLESS-1; k >= 0; k--)
		{	if (p = T0->escp[k])
			for (T1 = trans[n][p]; T1; T1 = T1->nxt)
			{	if (isthere(trans[n][i], T1->t_id))
					continue;
				T2 = cpytr(T1);
				T2->nxt = (Trans *) 0;
				T2->e_trans = p;
				if (T3)	T3->nxt = T2;
				else	T4 = T2;
				T3 = T2;
		}	}
		if (T4)
		{	T3->nxt = trans[n][i];
			trans[n][i] = T4;
		}
	 }
	}
#endif
#ifndef NOREDUCE
	for (i = 1; i < m; i++)
	{	if (a_cycles)
		{ /* moves through these states are visible */
	#if PROG_LAB>0 && defined(HAS_NP)
			if (progstate[n][i])
				goto degrade;
			for (T1 = trans[n][i]; T1; T1 = T1->nxt)
				if (progstate[n][T1->st])
					goto degrade;
	#endif
			if (accpstate[n][i] || visstate[n][i])
				goto degrade;
			for (T1 = trans[n][i]; T1; T1 = T1->nxt)
				if (accpstate[n][T1->st])
					goto degrade;
		}
		T1 = trans[n][i];
		if (!T1) continue;
		g = mark_safety(T1);	/* V3.3.1 */
		if (g < 0) goto degrade; /* global */
		/* check if mixing of guards preserves reduction */
		if (T1->nxt)
		{	k = 0;
			for (T0 = T1; T0; T0 = T0->nxt)
			{	if (!(T0->atom&8))
					goto degrade;
				for (aa = 0; aa < 2; aa++)
				{	j = srinc_set(T0->tpe[aa]);
					if (j >= GLOBAL && j != ALPHA_F)
						goto degrade;
					if (T0->tpe[aa]
					&&  T0->tpe[aa]
					!=  T1->tpe[0])
						k = 1;
			}	}
			/* g = 0;	V3.3.1 */
			if (k)	/* non-uniform selection */
			for (T0 = T1; T0; T0 = T0->nxt)
			for (aa = 0; aa < 2; aa++)
			{	j = srinc_set(T0->tpe[aa]);
				if (j != LOCAL)
				{	k = srunc(T0->tpe[aa], j);
					for (h = 0; h < 6; h++)
						if (T1->qu[h] == k
						&&  T1->ty[h] == j)
							break;
					if (h >= 6)
					{	T1->qu[g%6] = k;
						T1->ty[g%6] = j;
						g++;
			}	}	}
			if (g > 6)
			{	T1->qu[0] = 0;	/* turn it off */
				printf("pan: warning, line %d, ",
					srcln[i]);
			 	printf("too many stmnt types (%d)",
					g);
			  	printf(" in selection\n");
			  goto degrade;
			}
		}
		/* mark all options global if >=1 is global */
		for (T1 = trans[n][i]; T1; T1 = T1->nxt)
			if (!(T1->atom&8)) break;
		if (T1)
degrade:	for (T1 = trans[n][i]; T1; T1 = T1->nxt)
			T1->atom &= ~8;	/* mark as unsafe */
		/* can only mix 'r's or 's's if on same chan */
		/* and not mixed with other local operations */
		T1 = trans[n][i];
		if (!T1 || T1->qu[0]) continue;
		j = T1->tpe[0];
		if (T1->nxt && T1->atom&8)
		{ if (j == 5*DELTA)
		  {	printf("warning: line %d ", srcln[i]);
			printf("mixed condition ");
			printf("(defeats reduction)\n");
			goto degrade;
		  }
		  for (T0 = T1; T0; T0 = T0->nxt)
		  for (aa = 0; aa < 2; aa++)
		  if  (T0->tpe[aa] && T0->tpe[aa] != j)
		  {	printf("warning: line %d ", srcln[i]);
			printf("[%d-%d] mixed %stion ",
				T0->tpe[aa], j, 
				(j==5*DELTA)?"condi":"selec");
			printf("(defeats reduction)\n");
			printf("	'%s' <-> '%s'\n",
				T1->tp, T0->tp);
			goto degrade;
		} }
	}
#endif
	for (i = 1; i < m; i++)
	{	T2 = trans[n][i];
		if (!T2
		||  T2->nxt
		||  strncmp(T2->tp, ".(goto)", 7)
		||  !stopstate[n][i])
			continue;
		stopstate[n][T2->st] = 1;
	}
	if (state_tables && !verbose)
	{	if (dodot)
		{	char buf[256], *q = buf, *p = procname[n];
			while (*p != '\0')
			{	if (*p != ':')
				{	*q++ = *p;
				}
				p++;
			}
			*q = '\0';
			printf("digraph ");
			switch (Btypes[n]) {
			case I_PROC:  printf("init {\n"); break;
			case N_CLAIM: printf("claim_%s {\n", buf); break;
			case E_TRACE: printf("notrace {\n"); break;
			case N_TRACE: printf("trace {\n"); break;
			default:      printf("p_%s {\n", buf); break;
			}
			printf("size=\"8,10\";\n");
			printf("  GT [shape=box,style=dotted,label=\"%s\"];\n", buf);
			printf("  GT -> S%d;\n", is);
		} else
		{	switch (Btypes[n]) {
			case I_PROC:  printf("init\n"); break;
			case N_CLAIM: printf("claim %s\n", procname[n]); break;
			case E_TRACE: printf("notrace assertion\n"); break;
			case N_TRACE: printf("trace assertion\n"); break;
			default:      printf("proctype %s\n", procname[n]); break;
		}	}
		for (i = 1; i < m; i++)
		{	reach[i] = 1;
		}
		tagtable(n, m, is, srcln, reach);
		if (dodot) printf("}\n");
	} else
	for (i = 1; i < m; i++)
	{	int nrelse;
		if (Btypes[n] != N_CLAIM)
		{	for (T0 = trans[n][i]; T0; T0 = T0->nxt)
			{	if (T0->st == i
				&& strcmp(T0->tp, "(1)") == 0)
				{	printf("error: proctype '%s' ",
						procname[n]);
		  			printf("line %d, state %d: has un",
						srcln[i], i);
					printf("conditional self-loop\n");
					pan_exit(1);
		}	}	}
		nrelse = 0;
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
		{	if (strcmp(T0->tp, "else") == 0)
				nrelse++;
		}
		if (nrelse > 1)
		{	printf("error: proctype '%s' state",
				procname[n]);
		  	printf(" %d, inherits %d", i, nrelse);
		  	printf(" 'else' stmnts\n");
			pan_exit(1);
	}	}
#if !defined(LOOPSTATE) && !defined(BFS_PAR)
	if (state_tables)
#endif
	do_dfs(n, m, is, srcln, reach, lpstate);

	if (!t_reverse)
	{	return;
	}
	/* process n, with m states, is=initial state -- reverse list */
	if (!state_tables && Btypes[n] != N_CLAIM)
	{	for (i = 1; i < m; i++)
		{	Trans *Tx = (Trans *) 0; /* list of escapes */
			Trans *Ty = (Trans *) 0; /* its tail element */
			T1 = (Trans *) 0; /* reversed list */
			T2 = (Trans *) 0; /* its tail */
			T3 = (Trans *) 0; /* remembers possible 'else' */

			/* find unless-escapes, they should go first */
			T4 = T5 = T0 = trans[n][i];
	#ifdef HAS_UNLESS
			while (T4 && T4->e_trans) /* escapes are first in orig list */
			{	T5 = T4;	  /* remember predecessor */
				T4 = T4->nxt;
			}
	#endif
			/* T4 points to first non-escape, T5 to its parent, T0 to original list */
			if (T4 != T0)		 /* there was at least one escape */
			{	T3 = T5->nxt;		 /* start of non-escapes */
				T5->nxt = (Trans *) 0;	 /* separate */
				Tx = T0;		 /* start of the escapes */
				Ty = T5;		 /* its tail */
				T0 = T3;		 /* the rest, to be reversed */
			}
			/* T0 points to first non-escape, Tx to the list of escapes, Ty to its tail */

			/* first tail-add non-escape transitions, reversed */
			T3 = (Trans *) 0;
			for (T5 = T0; T5; T5 = T4)
			{	T4 = T5->nxt;
	#ifdef HAS_UNLESS
				if (T5->e_trans)
				{	printf("error: cannot happen!\n");
					continue;
				}
	#endif
				if (strcmp(T5->tp, "else") == 0)
				{	T3 = T5;
					T5->nxt = (Trans *) 0;
				} else
				{	T5->nxt = T1;
					if (!T1) { T2 = T5; }
					T1 = T5;
			}	}
			/* T3 points to a possible else, which is removed from the list */
			/* T1 points to the reversed list so far (without escapes) */
			/* T2 points to the tail element -- where the else should go */
			if (T2 && T3)
			{	T2->nxt = T3;	/* add else */
			} else
			{	if (T3) /* there was an else, but there's no tail */
				{	if (!T1)	/* and no reversed list */
					{	T1 = T3; /* odd, but possible */
					} else		/* even stranger */
					{	T1->nxt = T3;
			}	}	}

			/* add in the escapes, to that they appear at the front */
			if (Tx && Ty) { Ty->nxt = T1; T1 = Tx; }

			trans[n][i] = T1;
			/* reversed, with escapes first and else last */
	}	}
	if (state_tables && verbose)
	{	printf("FINAL proctype %s\n", 
			procname[n]);
		for (i = 1; i < m; i++)
		for (T0 = trans[n][i]; T0; T0 = T0->nxt)
			crack(n, i, T0, srcln);
	}
}
void
imed(Trans *T, int v, int n, int j)	/* set intermediate state */
{	progstate[n][T->st] |= progstate[n][v];
	accpstate[n][T->st] |= accpstate[n][v];
	stopstate[n][T->st] |= stopstate[n][v];
	mapstate[n][j] = T->st;
}
void
tagtable(int n, int m, int is, short srcln[], uchar reach[])
{	Trans *z;

	if (is >= m || !trans[n][is]
	||  is <= 0 || reach[is] == 0)
		return;
	reach[is] = 0;
	if (state_tables)
	for (z = trans[n][is]; z; z = z->nxt)
	{	if (dodot)
			dot_crack(n, is, z);
		else
			crack(n, is, z, srcln);
	}

	for (z = trans[n][is]; z; z = z->nxt)
	{
#ifdef HAS_UNLESS
		int i, j;
#endif
		tagtable(n, m, z->st, srcln, reach);
#ifdef HAS_UNLESS
		for (i = 0; i < HAS_UNLESS; i++)
		{	j = trans[n][is]->escp[i];
			if (!j) break;
			tagtable(n, m, j, srcln, reach);
		}
#endif
	}
}

extern Trans *t_id_lkup[];

void
dfs_table(int n, int m, int is, short srcln[], uchar reach[], uchar lpstate[])
{	Trans *z;

	if (is >= m || is <= 0 || !trans[n][is])
		return;
	if ((reach[is] & (4|8|16)) != 0)
	{	if ((reach[is] & (8|16)) == 16)	/* on stack, not yet recorded */
		{	lpstate[is] = 1;
			reach[is] |= 8; /* recorded */
			if (state_tables && verbose)
			{	printf("state %d line %d is a loopstate\n", is, srcln[is]);
		}	}
		return;
	}
	reach[is] |= (4|16);	/* visited | onstack */
	for (z = trans[n][is]; z; z = z->nxt)
	{	t_id_lkup[z->t_id] = z;
#ifdef HAS_UNLESS
		int i, j;
#endif
		dfs_table(n, m, z->st, srcln, reach, lpstate);
#ifdef HAS_UNLESS
		for (i = 0; i < HAS_UNLESS; i++)
		{	j = trans[n][is]->escp[i];
			if (!j) break;
			dfs_table(n, m, j, srcln, reach, lpstate);
		}
#endif
	}
	reach[is] &= ~16; /* no longer on stack */
}
void
do_dfs(int n, int m, int is, short srcln[], uchar reach[], uchar lpstate[])
{	int i;
	dfs_table(n, m, is, srcln, reach, lpstate);
	for (i = 0; i < m; i++)
		reach[i] &= ~(4|8|16);
}
void
crack(int n, int j, Trans *z, short srcln[])
{	int i;

	if (!z) return;
	printf("	state %3d -(tr %3d)-> state %3d  ",
		j, z->forw, z->st);
	printf("[id %3d tp %3d", z->t_id, z->tpe[0]);
	if (z->tpe[1]) printf(",%d", z->tpe[1]);
#ifdef HAS_UNLESS
	if (z->e_trans)
		printf(" org %3d", z->e_trans);
	else if (state_tables >= 2)
	for (i = 0; i < HAS_UNLESS; i++)
	{	if (!z->escp[i]) break;
		printf(" esc %d", z->escp[i]);
	}
#endif
	printf("]");
	printf(" [%s%s%s%s%s] %s:%d => ",
		z->atom&6?"A":z->atom&32?"D":"-",
		accpstate[n][j]?"a" :"-",
		stopstate[n][j]?"e" : "-",
		progstate[n][j]?"p" : "-",
		z->atom & 8 ?"L":"G",
		PanSource, srcln[j]);
	for (i = 0; z->tp[i]; i++)
		if (z->tp[i] == '\n')
			printf("\\n");
		else
			putchar(z->tp[i]);
	if (verbose && z->qu[0])
	{	printf("\t[");
		for (i = 0; i < 6; i++)
			if (z->qu[i])
				printf("(%d,%d)",
				z->qu[i], z->ty[i]);
		printf("]");
	}
	printf("\n");
	fflush(stdout);
}
/* spin -a m.pml; cc -o pan pan.c; ./pan -D | dot -Tps > foo.ps; ps2pdf foo.ps */
void
dot_crack(int n, int j, Trans *z)
{	int i;

	if (!z) return;
	printf("	S%d -> S%d  [color=black", j, z->st);

	if (z->atom&6) printf(",style=dashed");
	else if (z->atom&32) printf(",style=dotted");
	else if (z->atom&8) printf(",style=solid");
	else printf(",style=bold");

	printf(",label=\"");
	for (i = 0; z->tp[i]; i++)
	{	if (z->tp[i] == '\\'
		&&  z->tp[i+1] == 'n')
		{	i++; printf(" ");
		} else
		{	putchar(z->tp[i]);
	}	}
	printf("\"];\n");
	if (accpstate[n][j]) printf("  S%d [color=red,style=bold];\n", j);
	else if (progstate[n][j]) printf("  S%d [color=green,style=bold];\n", j);
	if (stopstate[n][j]) printf("  S%d [color=blue,style=bold,shape=box];\n", j);
}

#ifdef VAR_RANGES
#define BYTESIZE	32	/* 2^8 : 2^3 = 256:8 = 32 */

typedef struct Vr_Ptr {
	char	*nm;
	uchar	vals[BYTESIZE];
	struct Vr_Ptr *nxt;
} Vr_Ptr;
Vr_Ptr *ranges = (Vr_Ptr *) 0;

void
logval(char *s, int v)
{	Vr_Ptr *tmp;

	if (v<0 || v > 255) return;
	for (tmp = ranges; tmp; tmp = tmp->nxt)
		if (!strcmp(tmp->nm, s))
			goto found;
	tmp = (Vr_Ptr *) emalloc(sizeof(Vr_Ptr));
	tmp->nxt = ranges;
	ranges = tmp;
	tmp->nm = s;
found:
	tmp->vals[(v)/8] |= 1<<((v)%8);
}

void
dumpval(uchar X[], int range)
{	int w, x, i, j = -1;

	for (w = i = 0; w < range; w++)
	for (x = 0; x < 8; x++, i++)
	{
from:		if ((X[w] & (1<<x)))
		{	printf("%d", i);
			j = i;
			goto upto;
	}	}
	return;
	for (w = 0; w < range; w++)
	for (x = 0; x < 8; x++, i++)
	{
upto:		if (!(X[w] & (1<<x)))
		{	if (i-1 == j)
				printf(", ");
			else
				printf("-%d, ", i-1);
			goto from;
	}	}
	if (j >= 0 && j != 255)
		printf("-255");
}

void
dumpranges(void)
{	Vr_Ptr *tmp;
	printf("\nValues assigned within ");
	printf("interval [0..255]:\n");
	for (tmp = ranges; tmp; tmp = tmp->nxt)
	{	printf("\t%s\t: ", tmp->nm);
		dumpval(tmp->vals, BYTESIZE);
		printf("\n");
	}
}
#endif
