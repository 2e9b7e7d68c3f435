
/*
 * Copyright (C) ngx_pimap_module authors
 *
 * Owns what a log reader reads, and what happens with the replies.  Called by
 * the queue of log readers.
 */


#ifndef _NGX_PIMAP_REPLAY_H_INCLUDED_
#define _NGX_PIMAP_REPLAY_H_INCLUDED_


#include "ngx_pimap.h"
#include "ngx_pimap_log_reader.h"


/*
 * Sends the command of a reader: NGX_OK.  NGX_AGAIN: not now, all readers wait
 * until they are told to run.  NGX_BUSY: all wait a second.  NGX_DONE: it
 * needed no command, and is freed.
 */
ngx_int_t ngx_pimap_replay_start(ngx_pimap_log_reader_t *reader,
    ngx_pimap_command_pt handler);

/*
 * Its reply; NULL: the connection was lost.  The reader may be freed
 * afterwards.  NGX_BUSY: Redis had an error, all readers wait a second.
 */
ngx_int_t ngx_pimap_replay_done(ngx_pimap_log_reader_t *reader,
    redisReply *reply);


#endif /* _NGX_PIMAP_REPLAY_H_INCLUDED_ */
