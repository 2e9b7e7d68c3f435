#!/usr/bin/perl

# A device cannot fill the stream for all others: an update that is more than
# "pimap_update_rate", on the device's own connection, is refused by name, and
# the next ones are read in the next second.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;
use Pimap::WebSocket;

my $t = Pimap->new(http => 'pimap_update_rate 5;');

$t->nginx()->{locations} .= <<'END';
        location = /any {
            pimap_account $arg_account;
            pimap_update_rate 0;
            pimap_events;
        }
END

$t->plan(2 * 4 + 3);
$t->run();
$t->wait_ready();

my %ways = (
    websocket => [sub { $t->websocket('w') }, sub { frame(TEXT, $_[0]) }],
    duplex => [sub { $t->duplex('d') },
        sub { Pimap::Duplex::chunk("$_[0]\n") }],
);

for my $way (sort(keys(%ways))) {
    my ($open, $frame) = @{ $ways{$way} };
    my $s = $open->();
    my $other = $open->();
    my $n = 0;

    $_->json() for $s, $other;

    # All at once; a new second may begin while the first are read.

    my @answers = answers($s, $frame, 1 .. 30);
    my @accepted = grep { $_->{event} eq 'accepted' } @answers;
    my ($refused) = grep { $_->{event} eq 'refused' } @answers;

    ok(@accepted >= 25 && @accepted <= 27, "$way: five in a second, "
        . @accepted . ' of 30');
    is($refused->{detail},
        'more updates a second than "pimap_update_rate"',
        "$way: with the reason");
    like($refused->{update}, qr/^[1-9]/, "$way: and the id");
    is((answers($other, $frame, 100))[0]{event}, 'accepted',
        "$way: another device is not limited");

    ok($t->wait_for(sub { (answers($s, $frame, 200 + $n++))[0]{event}
        eq 'accepted' }), "$way: a second later") if $way eq 'duplex';

    $_->close() for $s, $other;
}

my $any = $t->duplex('any', path => '/any');

$any->json();
is(scalar(grep { $_->{event} eq 'accepted' } map { answers($any,
    $ways{duplex}[1], $_ * 10 .. $_ * 10 + 9) } 1 .. 10), 100,
    'without a limit, all are accepted');

is($t->redis()->command('XLEN', 'pimap:updates') > 100, 1,
    '    and are in the stream');


sub answers {
    my ($s, $frame, @ids) = @_;

    $s->send_all(join('', map { $frame->("{\"id\":\"$_\",\"update\":\"x\"}") }
        @ids));

    return map { $s->json() } @ids;
}
