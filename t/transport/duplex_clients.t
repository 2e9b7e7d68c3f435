#!/usr/bin/perl

# A body that stays open, with curl: it sends each line that is typed, and
# prints each line of the response.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my $t = Pimap->new(workers => 2, mode => 'pimap_hibernate on;');
my $n = 0;
my %ways = (
    'HTTP/1.1' => ['http', '--http1.1'],
    'HTTP/1.1, TLS' => ['https', '--http1.1'],
    'HTTP/2' => ['https', '--http2'],
    'HTTP/2 in clear' => ['h2c', '--http2-prior-knowledge'],
);

$t->plan(2 * 5 * keys(%ways));
$t->run();
$t->wait_ready();

# With "-T -" curl prints nothing while it waits for its input; "-T ." does.

for my $name (sort(keys(%ways))) {
    for my $from ('-', '.') {
        $n++;

        my ($port, $version) = @{ $ways{$name} };
        my $what = "$name, -T $from";
        my $account = "user$n";
        my $curl = $t->start(pipe => 1, input => 1, errors => '/dev/null',
            command => ['curl', '-sNk', $version, '-X', 'POST', '-T', $from,
                '-H', 'Content-Type: application/x-ndjson',
                ($port eq 'https' ? 'https' : 'http') . '://127.0.0.1:'
                    . $t->port($port) . "/events?account=$account&device=d"]);
        my $d = Pimap::Duplex->new(process => $curl, unchunked => 1);

        $d->{head} = '';
        is($d->json()->{event}, 'parked', "$what: parked") if $from eq '.';
        $d->say({ id => 'one', update => 'x' });
        is($d->json()->{event}, 'accepted', "$what: an update")
            if $from eq '.';
        $d->say({ id => 'two', update => 'x' });
        $d->finish();

        is($d->json()->{event}, $_, "$what: $_")
            for $from eq '-' ? qw(parked accepted) : ();
        is($d->json()->{update}, 'two', "$what: another update");

        $t->subscribed($account);
        $t->redis()->fcall('result', $account, 'd', 'two',
            '{"status":"done"}');
        is($d->json()->{event}, 'UpdateResult', "$what: its result");

        $t->redis()->log($account, { event => 'MessageNew' });
        is($d->json()->{event}, 'MessageNew', "$what: an event");
        $d->close();
    }
}
