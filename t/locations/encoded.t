#!/usr/bin/perl

# If nginx's gzip filter compresses the events of devices, the log says so once
# for all devices, with the remedy.  The module's own compression is no such
# thing.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2, mode => '');

$t->nginx()->{locations} .= <<'END';
        location = /gzip {
            pimap_account $arg_account;
            pimap_compress off;
            gzip on;
            gzip_types text/event-stream;
            pimap_events;
        }
END

$t->plan(6);
$t->run();

my $warning = qr/\[warn\].* compresses the events of location "\/gzip" .*take/;

parks('/events', 'gzip');
parks('/gzip', undef);
is($t->log_lines(qr/compresses/), 0,
    'compressed by the module, or not at all: no warning');

my @devices = map { parks('/gzip', 'gzip') } 1 .. 6;

is(scalar(grep { ($_->header('Content-Encoding') // '') eq 'gzip' } @devices),
    6, "compressed by nginx: devices park");
is($t->log_lines($warning), 1, '    one warning');
is($t->log_lines(qr/compresses/), 1, '    for all of them');
is($t->status()->{parked}, 6, '    they stay parked');
$_->close() for @devices;
ok($t->wait_for(sub { $t->status()->{parked} == 0 }, 'the end'),
    '    and leave');


# A stream of nginx's filter is not read here.

sub parks {
    my ($path, $coding) = @_;

    my $s = $t->request('GET', "$path?account=alice",
        headers => $coding ? { 'Accept-Encoding' => $coding } : {});

    $s->status();
    return $s if $path eq '/gzip' && $coding;
    $s->close();
    $t->wait_for(sub { $t->status()->{parked} == 0 }, 'the end');
}
