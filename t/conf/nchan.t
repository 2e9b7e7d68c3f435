#!/usr/bin/perl

# Another module, loaded before, has a hiredis of its own, of another version.
# Each module uses its own: nchan is Debian's.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(
    main => 'load_module /usr/lib/nginx/modules/ngx_nchan_module.so;');

$t->nginx()->{locations} .= <<'END';
        location = /pubsub {
            nchan_pubsub;
            nchan_channel_id x;
        }
END

$t->plan(3);
$t->run();
$t->wait_ready();

my $device = $t->park('alice');

$device->read_until(qr/: parked\n.*\n\n/);
$t->redis()->log('alice', { event => 'MessageNew', uid => 1 });
is($device->event()->{json}{uid}, 1, 'an event comes');

is(join(' ', map { $_->{pid} } @{ $t->status()->{workers} }),
    join(' ', $t->workers()), 'no worker has been started again');

is($t->post('/pubsub', 'x')->{status}, 202, 'nchan answers, too');
