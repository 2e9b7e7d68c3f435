#!/usr/bin/perl

# An UpdateResult reaches only the device that it names, and passes each filter
# of that device: live, from the log, while events are coalesced, on every
# transport.  A device without a name has an address of its own.

use strict;
use warnings;

use Test::More;

BEGIN { use FindBin; chdir("$FindBin::Bin/.."); }

use lib 'lib';
use Pimap;

my @transports = qw(http https h2);

my $t = Pimap->new(http => 'pimap_coalesce 200ms;');
$t->plan(17 * @transports + 4);
$t->run();
$t->wait_ready();

my $n = 0;

for my $transport (@transports) {
    my $account = "a$transport";
    my @set = (transport => $transport);
    my %s = (
        phone => $t->park($account, @set, query => 'device=phone'),
        picky => $t->park($account, @set, query => 'device=picky&types=Quota'
            . '&event=QuotaChange&mailbox=x'),
        tablet => $t->park($account, @set, query => 'device=tablet'),
        nobody => $t->park($account, @set),
    );

    ok($s{$_}->read_until(qr/: parked\n.*\n\n/), "$transport: $_ is parked")
        for sort(keys(%s));
    $t->subscribed($account);

    my $first = $t->redis()->log($account, { event => 'MailboxCreate' });

    $t->redis()->log($account, { event => 'QuotaChange', n => 1 });
    result($account, 'phone', 'one');
    result($account, 'picky', 'two');
    result($account, 'none', 'three');
    $t->redis()->command('FCALL', 'pimap_publish', 1, "pimap:{$account}",
        $t->json($_)) for { event => 'UpdateResult' },
            { event => 'UpdateResult', device => '' },
            { event => 'UpdateResult', device => 1 },
            { event => 'QuotaChange', n => 2 };

    is_deeply(updates($s{phone}), ['one'],
        "$transport: the device named gets it");
    is_deeply(updates($s{picky}), ['two'], '    its filter does not matter');
    is_deeply(updates($s{tablet}), [], '    another device does not');
    is_deeply(updates($s{nobody}), [], '    a device without a name does not');

    # From the log.

    for my $device (qw(phone picky tablet), '') {
        my $r = $t->park($account, @set, query => "device=$device",
            headers => { 'Last-Event-ID' => $first });

        my $expected = { phone => ['one'], picky => ['two'] }->{$device}
            // [];

        ok($r->read_until(qr/: parked\n.*\n\n/), "$transport: resumed");
        is_deeply(updates($r), $expected, "    \"$device\"");
        $r->close();
    }

    $_->close() for values(%s);
    is($t->redis()->fcall('result', $account, 'phone', 'one',
        '{"status":"x"}')->[2], 1, "$transport: a result is final");
}

for my $device ('~1', '%7e1f', '~') {
    my $r = $t->get("/events?account=alice&device=$device");

    is($r->{status}, 400, "a device may not be called $device");
    like($r->{json}{detail}, qr/begins with "~"/, '    the detail says why')
        if $device eq '~';
}


sub result {
    my ($account, $device, $id) = @_;

    return $t->redis()->fcall('result', $account, $device, $id,
        '{"status":"done"}');
}


# The ids of the results before the last quota.

sub updates {
    my ($stream) = @_;

    my (@updates, $event);

    while ($event = $stream->event()) {
        push(@updates, $event->{json}{update})
            if $event->{event} eq 'UpdateResult';
        last if $event->{event} eq 'QuotaChange' && $event->{json}{n} == 2;
    }

    return \@updates;
}
