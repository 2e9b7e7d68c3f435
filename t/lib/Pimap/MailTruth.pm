package Pimap::MailTruth;

# The state of an account on an IMAP server, mailbox => { UID => flags }, and a
# comparison with the state that a device knows.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP;
use Test::More import => [qw(diag)];

our @EXPORT_OK = qw(truth is_same differences);


# All mailboxes but one

sub truth {
    my ($imap, $broken) = @_;

    my %truth;

    for my $box ($imap->command('LIST "" "*"') =~ /"?(\w+)"?\r$/mg) {
        next if $box eq $broken;
        $truth{$box} = {};
        $imap->command("EXAMINE $box") =~ /^\* 0 EXISTS/m and next;

        my $text = $imap->command('UID FETCH 1:* (FLAGS)');

        while ($text =~ /^\* \d+ FETCH (.*)/mg) {
            my ($uid, $its) = "$1 $1" =~ /UID (\d+).*?FLAGS \((.*?)\)/;
            $truth{$box}{$uid} = { map { $_ => 1 }
                grep { $_ ne '\Recent' } split(/ /, $its) };
        }
    }

    return \%truth;
}


sub is_same {
    my ($truth, $known) = @_;

    my $json = JSON::PP->new->canonical;

    return $json->encode($truth) eq $json->encode($known);
}


sub differences {
    my ($truth, $known) = @_;

    for my $box (sort(keys(%{ { %$truth, %$known } }))) {
        for my $uid (sort { $a <=> $b } keys(%{ {
            %{ $truth->{$box} // {} }, %{ $known->{$box} // {} } } }))
        {
            my @its = map { $_->{$box} && $_->{$box}{$uid}
                ? join(' ', sort keys(%{ $_->{$box}{$uid} })) : 'none'
            } $truth, $known;

            diag("$box $uid: $its[0], known: $its[1]") if $its[0] ne $its[1];
        }
    }
}


1;
